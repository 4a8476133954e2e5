/**
 * Services as packets find them: records, the index that leads to them, ranges of ports, and VIPs that are prefixes.
 *
 * A record is complete before anything leads to it, and stays until its number is free again, long after. What may
 * change in place (ring, flags, policies) is single words.
 */
import { type LbService, lbServiceFlag } from '../bpf/generated/headrace.ts';
import type { BpfMap } from '../bpf/map.ts';
import type { BalanceMemory } from './balance-memory.ts';
import { networkPort, words } from './bytes.ts';
import { type DesiredRecord, portBlocks } from './service-records.ts';

/** Numbers that stand for names in a record. */
export interface RecordNumbers {
  readonly record: (name: string) => number;
  readonly ring: (name: string) => number;
  /** Does the VIP answer pings? */
  readonly echo: (record: DesiredRecord) => boolean;
}

export class ServiceTable {
  readonly #memory: BalanceMemory;
  /** What packets can find, by the name of its record. */
  readonly #there = new Map<string, { readonly record: DesiredRecord; readonly number: number }>();

  constructor(memory: BalanceMemory) {
    this.#memory = memory;
  }

  names(): IterableIterator<string> {
    return this.#there.keys();
  }

  has(name: string): boolean {
    return this.#there.has(name);
  }

  /**
   * What a former daemon left: packets find it already. Asks the maps, so that a record which was about to be entered or
   * had just been taken out is not believed in.
   */
  adopt(record: DesiredRecord, number: number, numbers: Pick<RecordNumbers, 'record'>): boolean {
    const { index } = this.#memory;
    const prefix = isPrefix(record);
    const entered = record.range
      ? rangeKeys(record, numbers.record(record.vip)).every((key) => this.#memory.maps.lbRanges.get(key) === number)
      : prefix
        ? this.#memory.maps.lbPrefixes.get(prefixKey(record)) === number
        : index.find(record.key, (at) => at === number) === number;
    if (!entered) return false;
    if (!record.range && !prefix) index.adopt(record.key);
    this.#there.set(record.name, { record, number });
    return true;
  }

  /** Takes away what leads to no record of this table: a daemon that was killed amid a change may have left it. */
  purge(): void {
    const { index, maps } = this.#memory;
    const there = new Set([...this.#there.values()].map(({ number }) => number));
    index.purge(there);
    for (const map of [maps.lbRanges, maps.lbPrefixes] as unknown as BpfMap<unknown, number>[])
      for (const [key, number] of [...map.entries()]) if (!there.has(number)) map.delete(key);
    this.#countPrefixes();
  }

  /** Writes the record, and lets packets find it if they do not yet. */
  put(record: DesiredRecord, numbers: RecordNumbers): void {
    const number = numbers.record(record.name);
    this.#memory.services.write(number, encode(record, numbers));
    if (!this.#there.has(record.name)) this.#enter(record, number, numbers);
    this.#there.set(record.name, { record, number });
  }

  /** Packets find it no more. */
  remove(name: string, numberOf: (name: string) => number): void {
    const there = this.#there.get(name);
    if (!there) return;
    const { record, number } = there;
    const { maps, index } = this.#memory;
    if (record.range) {
      // Where a range that came meanwhile has the same block, it is that one's.
      for (const key of rangeKeys(record, numberOf(record.vip)))
        if (maps.lbRanges.get(key) === number) maps.lbRanges.delete(key);
    } else if (isPrefix(record)) maps.lbPrefixes.delete(prefixKey(record));
    else index.delete(record.key, number);
    this.#there.delete(name);
    this.#countPrefixes();
  }

  #enter(record: DesiredRecord, number: number, numbers: RecordNumbers): void {
    const { maps, index } = this.#memory;
    if (record.range) {
      for (const key of rangeKeys(record, numbers.record(record.vip))) maps.lbRanges.set(key, number);
    } else if (isPrefix(record)) {
      maps.lbPrefixes.set(prefixKey(record), number);
      this.#there.set(record.name, { record, number });
      this.#countPrefixes();
    } else index.add(record.key, number);
  }

  #countPrefixes(): void {
    let prefixes = 0;
    for (const { record } of this.#there.values()) if (isPrefix(record)) prefixes++;
    this.#memory.settings.storeWord(0, 0, prefixes);
  }
}

/** A VIP that is a prefix, which the index does not know. */
function isPrefix({ isVip, key }: DesiredRecord): boolean {
  return isVip && key.prefixLength !== undefined;
}

function encode(record: DesiredRecord, numbers: RecordNumbers): LbService {
  const { key, fields } = record;
  return {
    ...fields,
    address: words(key.address),
    port: networkPort(key.port),
    protocol: key.protocol,
    prefix: key.prefixLength === undefined ? 0 : key.prefixLength + 1,
    flags: fields.flags | (record.isVip && numbers.echo(record) ? lbServiceFlag.ECHO : 0),
    ring: record.ring === undefined ? 0 : numbers.ring(record.ring),
    reserved1: 0,
    fragment_tcp: record.fragmentTcp === undefined ? 0 : numbers.record(record.fragmentTcp),
    fragment_udp: record.fragmentUdp === undefined ? 0 : numbers.record(record.fragmentUdp),
    reserved: [0, 0],
  };
}

function rangeKeys({ range, key }: DesiredRecord, vip: number) {
  return portBlocks(range!.from, range!.to).map(({ port, bits }) => ({
    prefix_length: 48 + bits,
    vip: swap32(vip),
    protocol: key.protocol,
    zero: 0,
    port: networkPort(port),
  }));
}

function prefixKey({ key }: DesiredRecord) {
  return { prefix_length: key.prefixLength!, address: words(key.address) };
}

function swap32(value: number): number {
  return (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}
