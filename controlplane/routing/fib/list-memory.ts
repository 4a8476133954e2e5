/**
 * Lists of a few prefixes each, two cache lines a list: shared with the packet path like the slots of the other groups.
 *
 * The words of a list are those of `struct fib_list` in xdp-programs/include/headrace/fib.h: the word for addresses
 * that none of its prefixes covers, the words of up to LIST_ITEMS prefixes from the longest on (0 ends them), and for
 * each the 64 bits of the address that it is compared with. A list is written before anything leads to it; afterwards
 * only its words change, one store at a time.
 */
import { endianness } from 'node:os';
import { fibLayout } from '../../bpf/generated/headrace.ts';
import { isGroup, lengthOf } from './layout.ts';

export const listItems = fibLayout.LIST_ITEMS;
/** Bits of a half of an address: what a list compares. */
export const half = 64;
const WORDS = 32;
/** Behind the words of the items and what aligns the keys. */
const FIRST_KEY = WORDS - 2 * listItems;
const [LOW, HIGH] = endianness() === 'LE' ? [0, 1] : [1, 0];

export class ListMemory {
  readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    if (words.length % WORDS !== 0) throw new RangeError(`use route list memory: ${words.length} words`);
    this.words = words;
  }

  get count(): number {
    return this.words.length / WORDS;
  }

  fallback(list: number): number {
    return this.words[list * WORDS]!;
  }

  /** Packets see the old word or the new one. */
  storeFallback(list: number, entry: number): void {
    Atomics.store(this.words, list * WORDS, entry);
  }

  /** 0 behind the last item. */
  entry(list: number, item: number): number {
    return this.words[list * WORDS + 1 + item]!;
  }

  storeEntry(list: number, item: number, entry: number): void {
    Atomics.store(this.words, list * WORDS + 1 + item, entry);
  }

  keyHigh(list: number, item: number): number {
    return this.words[list * WORDS + FIRST_KEY + item * 2 + HIGH]!;
  }

  keyLow(list: number, item: number): number {
    return this.words[list * WORDS + FIRST_KEY + item * 2 + LOW]!;
  }

  /** Empties a list that no packet can reach. */
  prepare(list: number, fallback: number): void {
    this.words.fill(0, list * WORDS, (list + 1) * WORDS);
    this.words[list * WORDS] = fallback;
  }

  /** Writes an item of a list that no packet can reach. */
  prepareItem(list: number, item: number, entry: number, high: number, low: number): void {
    const base = list * WORDS;
    this.words[base + 1 + item] = entry;
    this.words[base + FIRST_KEY + item * 2 + HIGH] = high;
    this.words[base + FIRST_KEY + item * 2 + LOW] = low;
  }

  /** The item that leads on from the first half of the address; -1: none. */
  onward(list: number, address: Uint32Array): number {
    for (let item = 0; item < listItems; item++) {
      const entry = this.entry(list, item);
      // They stand before all others.
      if (!isGroup(entry)) return -1;
      if (this.keyHigh(list, item) === address[0] && this.keyLow(list, item) === address[1]) return item;
    }
    return -1;
  }

  /** The item of exactly the first `length` bits of the address, in a list below `covered` bits; -1: none. */
  find(list: number, covered: number, address: Uint32Array, length: number): number {
    const first = covered < half ? 0 : 2;
    for (let item = 0; item < listItems; item++) {
      const entry = this.entry(list, item);
      if (entry === 0) return -1;
      const same =
        !isGroup(entry) &&
        lengthOf(entry) === length &&
        this.keyHigh(list, item) === address[first] &&
        this.keyLow(list, item) === address[first + 1];
      if (same) return item;
    }
    return -1;
  }

  /** How many items a list has. */
  itemsIn(list: number): number {
    let count = 0;
    while (count < listItems && this.entry(list, count) !== 0) count++;
    return count;
  }
}
