/**
 * Prefixes and a 32-bit value each: an open hash in three typed arrays, without an object a prefix.
 *
 * Addresses are 32-bit words, most significant first, in host order: one word for IPv4, four for IPv6. Bits behind the
 * prefix are ignored. At most 3/4 full; deleting shifts back what follows, so no tombstones gather. Memory: 9 bytes a
 * place for IPv4, 21 for IPv6, and 1.33 to 2.67 places a prefix. Places move when prefixes come and go: they hold only
 * until the next change.
 */
export class PrefixTable {
  /** Words of an address: 1 or 4. */
  readonly words: number;
  #mask: number;
  #keys: Uint32Array;
  /** Length + 1; 0 is a free place. */
  #lengths: Uint8Array;
  #values: Uint32Array;
  #size = 0;
  #cursor = 0;
  readonly #scratch: Uint32Array;
  /** Prefixes of each length, to skip lengths nobody uses. */
  readonly #perLength: Uint32Array;

  constructor(words: 1 | 4, expected = 64) {
    let capacity = 64;
    while (capacity * 0.75 < expected) capacity *= 2;
    this.words = words;
    this.#scratch = new Uint32Array(words);
    this.#mask = capacity - 1;
    this.#keys = new Uint32Array(capacity * words);
    this.#lengths = new Uint8Array(capacity);
    this.#values = new Uint32Array(capacity);
    this.#perLength = new Uint32Array(words * 32 + 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#keys.byteLength + this.#lengths.byteLength + this.#values.byteLength;
  }

  /** Places to iterate over: those for which `lengthAt` is not -1. */
  get places(): number {
    return this.#mask + 1;
  }

  lengthAt(place: number): number {
    return this.#lengths[place]! - 1;
  }

  valueAt(place: number): number {
    return this.#values[place]!;
  }

  /** Copies the address at `place` into `target`. */
  addressAt(place: number, target: Uint32Array): void {
    for (let i = 0; i < this.words; i++) target[i] = this.#keys[place * this.words + i]!;
  }

  /** @returns the place of exactly this prefix, or -1. */
  find(address: Uint32Array, length: number): number {
    let place = this.#hash(address, length);
    for (; this.#lengths[place] !== 0; place = (place + 1) & this.#mask)
      if (this.#lengths[place] === length + 1 && this.#equal(place, address, length)) return place;
    return -1;
  }

  get(address: Uint32Array, length: number): number | undefined {
    const place = this.find(address, length);
    return place < 0 ? undefined : this.#values[place];
  }

  /** @returns the place of the longest prefix of at most `atMost` bits that covers the address, or -1. */
  longest(address: Uint32Array, atMost: number): number {
    for (let length = atMost; length >= 0; length--) {
      if (this.#perLength[length] === 0) continue;
      const place = this.find(address, length);
      if (place >= 0) return place;
    }
    return -1;
  }

  /** @returns whether the prefix is new. */
  set(address: Uint32Array, length: number, value: number): boolean {
    if ((this.#size + 1) * 4 > (this.#mask + 1) * 3) this.#grow();
    let place = this.#hash(address, length);
    for (; this.#lengths[place] !== 0; place = (place + 1) & this.#mask) {
      if (this.#lengths[place] !== length + 1 || !this.#equal(place, address, length)) continue;
      this.#values[place] = value;
      return false;
    }
    for (let i = 0; i < this.words; i++) this.#keys[place * this.words + i] = maskedWord(address, i, length);
    this.#lengths[place] = length + 1;
    this.#values[place] = value;
    this.#size++;
    this.#perLength[length]!++;
    return true;
  }

  /** @returns whether there was one. */
  delete(address: Uint32Array, length: number): boolean {
    let hole = this.find(address, length);
    if (hole < 0) return false;
    this.#size--;
    this.#perLength[length]!--;
    const scratch = this.#scratch;
    for (let place = (hole + 1) & this.#mask; this.#lengths[place] !== 0; place = (place + 1) & this.#mask) {
      this.addressAt(place, scratch);
      const home = this.#hash(scratch, this.#lengths[place]! - 1);
      // An entry may move into the hole unless its home lies behind the hole on its way.
      if (((place - home) & this.#mask) < ((place - hole) & this.#mask)) continue;
      for (let i = 0; i < this.words; i++) this.#keys[hole * this.words + i] = this.#keys[place * this.words + i]!;
      this.#lengths[hole] = this.#lengths[place]!;
      this.#values[hole] = this.#values[place]!;
      hole = place;
    }
    this.#lengths[hole] = 0;
    return true;
  }

  /** Takes any prefix out: its address goes to `target`. @returns its length, or -1 when the table is empty. */
  pop(target: Uint32Array): number {
    if (this.#size === 0) return -1;
    while (this.#lengths[this.#cursor & this.#mask] === 0) this.#cursor = (this.#cursor + 1) & this.#mask;
    const place = this.#cursor & this.#mask;
    const length = this.lengthAt(place);
    this.addressAt(place, target);
    this.delete(target, length);
    return length;
  }

  #equal(place: number, address: Uint32Array, length: number): boolean {
    for (let i = 0; i < this.words; i++)
      if (this.#keys[place * this.words + i] !== maskedWord(address, i, length)) return false;
    return true;
  }

  #hash(address: Uint32Array, length: number): number {
    let hash = Math.imul(length + 1, 0x9e3779b1);
    for (let i = 0; i < this.words; i++) {
      hash = Math.imul(hash ^ maskedWord(address, i, length), 0x85ebca6b);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & this.#mask;
  }

  #grow(): void {
    const keys = this.#keys;
    const lengths = this.#lengths;
    const values = this.#values;
    const capacity = lengths.length * 2;
    this.#mask = capacity - 1;
    this.#keys = new Uint32Array(capacity * this.words);
    this.#lengths = new Uint8Array(capacity);
    this.#values = new Uint32Array(capacity);
    const scratch = new Uint32Array(this.words);
    for (let old = 0; old < lengths.length; old++) {
      if (lengths[old] === 0) continue;
      for (let i = 0; i < this.words; i++) scratch[i] = keys[old * this.words + i]!;
      let place = this.#hash(scratch, lengths[old]! - 1);
      while (this.#lengths[place] !== 0) place = (place + 1) & this.#mask;
      this.#keys.set(scratch, place * this.words);
      this.#lengths[place] = lengths[old]!;
      this.#values[place] = values[old]!;
    }
  }
}

/** Word `index` of the address with the bits behind the first `length` cleared. */
export function maskedWord(address: Uint32Array, index: number, length: number): number {
  const bits = length - index * 32;
  if (bits >= 32) return address[index]!;
  return bits <= 0 ? 0 : (address[index]! & (0xffffffff << (32 - bits))) >>> 0;
}
