/**
 * The index in which packets find services, and the filter before it: written in place, while packets read them.
 *
 * A service's record is written before its entry and stays until nobody can have read the entry any more, so a packet
 * finds a whole service or none. An entry is one aligned word of 64 bits, and so is a word of the filter.
 */
import { lbIndexLayout } from '../../bpf/generated/headrace.ts';
import { placeOf, type ServiceKey } from './hash.ts';

const { INDEX_ENTRIES: ENTRIES, INDEX_PROBES: PROBES, INDEX_DELETED: DELETED } = lbIndexLayout;

export class ServiceIndex {
  readonly #entries: BigUint64Array;
  readonly #filter: BigUint64Array;
  /** How many addresses have a bit of the filter. */
  readonly #bits = new Map<number, number>();

  /** @param index and filter: those of `tablesOf`. What they hold is taken over. */
  constructor(index: DataView, filter: DataView) {
    this.#entries = new BigUint64Array(index.buffer, index.byteOffset, ENTRIES);
    this.#filter = new BigUint64Array(filter.buffer, filter.byteOffset, lbIndexLayout.FILTER_WORDS);
  }

  /** Number of the service with this key. `matches`: does the record of this number have it? */
  find(key: ServiceKey, matches: (service: number) => boolean): number | undefined {
    const place = placeOf(key);
    for (let i = 0; i < PROBES; i++) {
      const entry = this.#entries[(place.entry + i) % ENTRIES]!;
      if (entry === 0n) return undefined;
      const service = Number(entry & 0xffff_ffffn);
      if (Number(entry >> 32n) === place.tag && service !== DELETED && matches(service)) return service;
    }
    return undefined;
  }

  /**
   * Lets packets find a service, whose record is complete. The key must not be there yet. A VIP's own record comes
   * first, and leaves last: its address is what the filter lets through.
   * @throws Error when all places for the key are taken.
   */
  add(key: ServiceKey, service: number): void {
    const place = placeOf(key);
    for (let i = 0; i < PROBES; i++) {
      const position = (place.entry + i) % ENTRIES;
      const entry = this.#entries[position]!;
      if (entry !== 0n && Number(entry & 0xffff_ffffn) !== DELETED) continue;
      this.#entries[position] = (BigInt(place.tag) << 32n) | BigInt(service);
      if (isVip(key)) this.#allow(place.filterBit, 1);
      return;
    }
    throw new Error(`add a service: no room in its part of the index, of ${ENTRIES} entries`);
  }

  /** Packets find it no more. Its number may be used again after the longest time a packet takes. */
  delete(key: ServiceKey, service: number): boolean {
    const place = placeOf(key);
    const wanted = (BigInt(place.tag) << 32n) | BigInt(service);
    for (let i = 0; i < PROBES; i++) {
      const position = (place.entry + i) % ENTRIES;
      if (this.#entries[position] !== wanted) continue;
      // The entry after an empty one is found by nobody: then this one may be empty too.
      const last = this.#entries[(position + 1) % ENTRIES] === 0n;
      this.#entries[position] = last ? 0n : BigInt(DELETED);
      if (isVip(key)) this.#allow(place.filterBit, -1);
      return true;
    }
    return false;
  }

  /** Packets find nothing any more. */
  clear(): void {
    this.#filter.fill(0n);
    this.#entries.fill(0n);
    this.#bits.clear();
  }

  /** Packets find none but these numbers any more, and the filter lets through only what was added or adopted. */
  purge(numbers: ReadonlySet<number>): void {
    for (let position = 0; position < ENTRIES; position++) {
      const entry = this.#entries[position]!;
      const service = Number(entry & 0xffff_ffffn);
      if (entry !== 0n && service !== DELETED && !numbers.has(service)) this.#entries[position] = BigInt(DELETED);
    }
    const words = new BigUint64Array(this.#filter.length);
    for (const [bit, count] of this.#bits) if (count > 0) words[bit >> 6]! |= 1n << BigInt(bit % 64);
    for (const [word, bits] of words.entries()) if (this.#filter[word] !== bits) this.#filter[word] = bits;
  }

  /** Tells the filter about a VIP that a former daemon entered. */
  adopt(key: ServiceKey): void {
    if (isVip(key)) this.#allow(placeOf(key).filterBit, 1);
  }

  #allow(bit: number, change: 1 | -1): void {
    const count = (this.#bits.get(bit) ?? 0) + change;
    this.#bits.set(bit, count);
    const mask = 1n << BigInt(bit % 64);
    const word = this.#filter[bit >> 6]!;
    this.#filter[bit >> 6] = count > 0 ? word | mask : word & ~mask;
  }
}

function isVip(key: ServiceKey): boolean {
  return key.protocol === 0 && key.port === 0 && key.prefixLength === undefined;
}
