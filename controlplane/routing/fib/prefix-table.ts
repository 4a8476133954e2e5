/**
 * Prefixes and a 24-bit value each: an open hash in one typed array, without an object a prefix.
 *
 * Addresses are 32-bit words, most significant first, in host order: one word for IPv4, four for IPv6. Bits behind the
 * prefix are ignored. An entry is its address and one word of length and value, side by side, so that finding one is a
 * single cache miss: 8 bytes for IPv4, 20 for IPv6, and 1.33 to 2.67 entries of room a prefix.
 *
 * No call takes long, however large the table is: a table that is too full gets one of twice the size, and every change
 * moves a few entries over; until all have moved, both are looked at. Deleting shifts back what follows, so no tombstones
 * gather. Entries move when prefixes come and go: a place holds only until the next change. Who wants to see all of a
 * table that changes meanwhile takes a {@link PrefixWalk}.
 */
import { wordsForMany } from '../../bpf/huge-pages.ts';

/** Values are below this. */
export const valueLimit = 2 ** 24;

const SHIFT = 24;
const VALUE = valueLimit - 1;
/** Of an old generation: moved or deleted. Longer than any prefix. */
const GONE = 255;
/** Entries of the old generation that each change moves over. */
const STEP = 64;
const SMALLEST = 64;

/** Entries, `words` of address and one of length + 1 (0: free) and value each. */
interface Generation {
  readonly mask: number;
  readonly entries: Uint32Array;
}

export class PrefixTable {
  /** Words of an address: 1 or 4. */
  readonly words: 1 | 4;
  /** Words of an entry. */
  readonly #stride: number;
  #mask: number;
  #entries: Uint32Array;
  /** What is being moved over; its entries from #rest on are done. */
  #old: Generation | undefined;
  #rest = 0;
  #size = 0;
  /** Of which in the old generation. */
  #oldSize = 0;
  #cursor = 0;
  #written = false;
  #version = 0;
  /** The address that is looked for, masked. */
  readonly #wanted: Uint32Array;
  readonly #moving: Uint32Array;
  /** Prefixes of each length, to skip lengths nobody uses. */
  readonly #perLength: Uint32Array;

  /** `expected`: prefixes there is room for from the start. */
  constructor(words: 1 | 4, expected = SMALLEST) {
    let capacity = SMALLEST;
    while (capacity * 0.75 < expected) capacity *= 2;
    this.words = words;
    this.#stride = words + 1;
    this.#wanted = new Uint32Array(words);
    this.#moving = new Uint32Array(words);
    this.#mask = capacity - 1;
    this.#entries = wordsForMany(capacity * this.#stride);
    this.#perLength = new Uint32Array(words * 32 + 1);
  }

  get size(): number {
    return this.#size;
  }

  /** Memory held, in bytes. */
  get bytes(): number {
    return this.#entries.byteLength + (this.#old?.entries.byteLength ?? 0);
  }

  /** Places there are: those for which `lengthAt` is not -1 hold a prefix. */
  get places(): number {
    return this.#mask + 1 + (this.#old ? this.#old.mask + 1 : 0);
  }

  /** Another number when entries have moved to higher places. */
  get version(): number {
    return this.#version;
  }

  lengthAt(place: number): number {
    const length = this.#metaAt(place) >>> SHIFT;
    return length === GONE ? -1 : length - 1;
  }

  valueAt(place: number): number {
    return this.#metaAt(place) & VALUE;
  }

  setValueAt(place: number, value: number): void {
    const isOld = place > this.#mask;
    const entries = isOld ? this.#old!.entries : this.#entries;
    const meta = (isOld ? place - this.#mask - 1 : place) * this.#stride + this.words;
    entries[meta] = (entries[meta]! & ~VALUE) | value;
  }

  /** Copies the address at `place` into `target`. */
  addressAt(place: number, target: Uint32Array): void {
    const isOld = place > this.#mask;
    const entries = isOld ? this.#old!.entries : this.#entries;
    const at = (isOld ? place - this.#mask - 1 : place) * this.#stride;
    for (let i = 0; i < this.words; i++) target[i] = entries[at + i]!;
  }

  /** @returns the place of exactly this prefix, or -1. */
  find(address: Uint32Array, length: number): number {
    this.#want(address, length);
    return this.#findWanted(length);
  }

  /**
   * Has the processor fetch what `find` will look at. Called for many prefixes in a row before they are looked up, it
   * lets their cache misses overlap, which are most of what a look-up in a large table costs.
   * @returns a number that depends on the memory, so that the access is made.
   */
  warm(address: Uint32Array, length: number): number {
    this.#want(address, length);
    return this.#entries[(hashOf(this.#wanted, this.words, length) & this.#mask) * this.#stride + this.words]!;
  }

  get(address: Uint32Array, length: number): number | undefined {
    const place = this.find(address, length);
    return place < 0 ? undefined : this.valueAt(place);
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

  /** @returns the place of the prefix; a new one has value 0. */
  add(address: Uint32Array, length: number): number {
    if (this.#old) this.#move(STEP);
    this.#want(address, length);
    const known = this.#findWanted(length);
    if (known >= 0) return known;
    if ((this.#size - this.#oldSize + 1) * 4 > (this.#mask + 1) * 3) this.#grow();
    const place = this.#insertWanted(length, 0);
    this.#written = true;
    this.#size++;
    this.#perLength[length]!++;
    return place;
  }

  /** @returns whether the prefix is new. */
  set(address: Uint32Array, length: number, value: number): boolean {
    const before = this.#size;
    this.setValueAt(this.add(address, length), value);
    return this.#size !== before;
  }

  /** @returns whether there was one. */
  delete(address: Uint32Array, length: number): boolean {
    if (this.#old) this.#move(STEP);
    const place = this.find(address, length);
    if (place < 0) return false;
    this.#size--;
    this.#perLength[length]!--;
    const old = this.#old;
    if (old && place > this.#mask) {
      old.entries[(place - this.#mask - 1) * this.#stride + this.words] = GONE * 2 ** SHIFT;
      this.#oldSize--;
    } else this.#close(place);
    return true;
  }

  /** Takes any prefix out: its address goes to `target`. @returns its length, or -1 when the table is empty. */
  pop(target: Uint32Array): number {
    if (this.#size === 0) {
      // A table that was large once would be searched through for every prefix that comes later.
      if (this.#mask >= SMALLEST * 64) this.clear(SMALLEST);
      return -1;
    }
    while (this.#old && this.#size === this.#oldSize) this.#move(STEP);
    while (this.#entries[(this.#cursor & this.#mask) * this.#stride + this.words] === 0)
      this.#cursor = (this.#cursor + 1) & this.#mask;
    const place = this.#cursor & this.#mask;
    const length = this.lengthAt(place);
    this.addressAt(place, target);
    this.delete(target, length);
    return length;
  }

  /** Empties the table. Its memory stays, unless `capacity` (a power of two) says how much there shall be. */
  clear(capacity = this.#mask + 1): void {
    // Memory that nothing was ever written to is zeros, and takes long to be touched.
    if (capacity === this.#mask + 1 && this.#written) this.#entries.fill(0);
    if (capacity !== this.#mask + 1) this.#entries = wordsForMany(capacity * this.#stride);
    this.#written = false;
    this.#mask = capacity - 1;
    this.#old = undefined;
    this.#size = this.#oldSize = this.#rest = this.#cursor = 0;
    this.#perLength.fill(0);
    this.#version++;
  }

  #metaAt(place: number): number {
    if (place <= this.#mask) return this.#entries[place * this.#stride + this.words]!;
    return this.#old!.entries[(place - this.#mask - 1) * this.#stride + this.words]!;
  }

  #want(address: Uint32Array, length: number): void {
    for (let i = 0; i < this.words; i++) this.#wanted[i] = maskedWord(address, i, length);
  }

  #findWanted(length: number): number {
    const hash = hashOf(this.#wanted, this.words, length);
    const place = this.#findIn(this.#entries, this.#mask, hash, length);
    if (place >= 0 || !this.#old) return place;
    const old = this.#findIn(this.#old.entries, this.#old.mask, hash, length);
    return old < 0 ? old : this.#mask + 1 + old;
  }

  #findIn(entries: Uint32Array, mask: number, hash: number, length: number): number {
    const { words } = this;
    const stride = words + 1;
    const wanted = this.#wanted;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const at = place * stride;
      const meta = entries[at + words]!;
      if (meta === 0) return -1;
      if (meta >>> SHIFT !== length + 1 || entries[at] !== wanted[0]) continue;
      if (words === 1) return place;
      if (entries[at + 1] === wanted[1] && entries[at + 2] === wanted[2] && entries[at + 3] === wanted[3]) return place;
    }
  }

  /** Into the first free place. */
  #insertWanted(length: number, value: number): number {
    const entries = this.#entries;
    let place = hashOf(this.#wanted, this.words, length) & this.#mask;
    while (entries[place * this.#stride + this.words] !== 0) place = (place + 1) & this.#mask;
    for (let i = 0; i < this.words; i++) entries[place * this.#stride + i] = this.#wanted[i]!;
    entries[place * this.#stride + this.words] = ((length + 1) << SHIFT) | value;
    return place;
  }

  /** Closes the hole that a deleted entry of the present generation leaves. */
  #close(deleted: number): void {
    const entries = this.#entries;
    const stride = this.#stride;
    let hole = deleted;
    for (let place = (hole + 1) & this.#mask; ; place = (place + 1) & this.#mask) {
      const meta = entries[place * stride + this.words]!;
      if (meta === 0) break;
      for (let i = 0; i < this.words; i++) this.#moving[i] = entries[place * stride + i]!;
      const home = hashOf(this.#moving, this.words, (meta >>> SHIFT) - 1) & this.#mask;
      // An entry may move into the hole unless its home lies behind the hole on its way.
      if (((place - home) & this.#mask) < ((place - hole) & this.#mask)) continue;
      if (place < hole) this.#version++;
      entries.copyWithin(hole * stride, place * stride, (place + 1) * stride);
      hole = place;
    }
    entries[hole * stride + this.words] = 0;
  }

  #grow(): void {
    while (this.#old) this.#move(this.#old.mask + 1);
    const capacity = (this.#mask + 1) * 2;
    this.#old = { mask: this.#mask, entries: this.#entries };
    this.#rest = this.#mask + 1;
    this.#oldSize = this.#size;
    this.#mask = capacity - 1;
    this.#entries = wordsForMany(capacity * this.#stride);
    this.#version++;
  }

  /** Moves up to `count` entries of the old generation over. */
  #move(count: number): void {
    const { entries } = this.#old!;
    const wanted = this.#wanted;
    const end = Math.max(0, this.#rest - count);
    for (let place = this.#rest - 1; place >= end; place--) {
      const at = place * this.#stride;
      const meta = entries[at + this.words]!;
      if (meta === 0 || meta >>> SHIFT === GONE) continue;
      for (let i = 0; i < this.words; i++) wanted[i] = entries[at + i]!;
      this.#insertWanted((meta >>> SHIFT) - 1, meta & VALUE);
      // Others may have gone past it to their own place: it must not look free.
      entries[at + this.words] = GONE * 2 ** SHIFT;
      this.#oldSize--;
    }
    this.#rest = end;
    this.#version++;
    if (end === 0) this.#old = undefined;
  }
}

/** A look at every prefix of a table, some at a time, while the table changes. */
export class PrefixWalk {
  readonly #table: PrefixTable;
  #version: number;
  /** Places from here on have been looked at. Entries move downwards, so none is missed; some are met twice. */
  #next: number;

  constructor(table: PrefixTable) {
    this.#table = table;
    this.#version = table.version;
    this.#next = table.places;
  }

  /**
   * Shows `visit` the prefixes at the next `count` places: their place holds during the call, and the table must not be
   * changed by it. What was there all the time is shown at least once before the end.
   * @returns whether the walk is at its end.
   */
  step(count: number, visit: (place: number, length: number) => void): boolean {
    const table = this.#table;
    if (table.version !== this.#version) {
      this.#version = table.version;
      this.#next = table.places;
    }
    const end = Math.max(0, this.#next - count);
    while (this.#next > end) {
      const length = table.lengthAt(--this.#next);
      if (length >= 0) visit(this.#next, length);
    }
    return end === 0;
  }
}

function hashOf(address: Uint32Array, words: 1 | 4, length: number): number {
  let hash = Math.imul(length + 1, 0x9e3779b1);
  for (let i = 0; i < words; i++) {
    hash = Math.imul(hash ^ address[i]!, 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** Word `index` of the address with the bits behind the first `length` cleared. */
export function maskedWord(address: Uint32Array, index: number, length: number): number {
  const bits = length - index * 32;
  if (bits >= 32) return address[index]!;
  return bits <= 0 ? 0 : (address[index]! & (0xffffffff << (32 - bits))) >>> 0;
}
