/**
 * Painting: every word that holds the answer of a prefix no longer than the one that changes, wherever a slot leads to,
 * gets the new answer. Words that hold a longer prefix's stay.
 */
import { groupSlots, isGroup, isListEntry, lengthOf, numberOf } from './layout.ts';
import { half, type ListMemory, listItems } from './list-memory.ts';
import type { SlotMemory } from './slot-memory.ts';

export class ListPaint {
  readonly #memory: SlotMemory;
  readonly #lists: ListMemory;

  constructor(memory: SlotMemory, lists: ListMemory) {
    this.#memory = memory;
    this.#lists = lists;
  }

  /** Paints a slot and all it leads to, which is inside the prefix. @returns slots looked at. */
  slot(slot: number, covered: number, shortest: number, longest: number, entry: number): number {
    const word = this.#memory.load(slot);
    if (isGroup(word)) return this.#below(word, covered, shortest, longest, entry);
    if (replaces(word, shortest, longest, entry)) this.#memory.store(slot, entry);
    return 1;
  }

  #below(word: number, covered: number, shortest: number, longest: number, entry: number): number {
    const number = numberOf(word);
    let seen = 0;
    if (!isListEntry(word)) {
      const base = this.#memory.slotOfGroup(number);
      for (let i = 0; i < groupSlots; i++) seen += this.slot(base + i, covered + 8, shortest, longest, entry);
      return seen;
    }
    if (replaces(this.#lists.fallback(number), shortest, longest, entry)) this.#lists.storeFallback(number, entry);
    for (let item = 0; item < listItems; item++) {
      const word = this.#lists.entry(number, item);
      if (isGroup(word)) seen += this.#below(word, half, shortest, longest, entry);
    }
    return seen + listItems;
  }

  /** Paints what a list's items lead on to inside the prefix. */
  onward(list: number, address: Uint32Array, length: number, shortest: number, entry: number): void {
    for (let item = 0; item < listItems; item++) {
      const word = this.#lists.entry(list, item);
      if (!isGroup(word)) return;
      const inside =
        maskedKey(this.#lists.keyHigh(list, item), 0, length) === address[0] &&
        maskedKey(this.#lists.keyLow(list, item), 32, length) === address[1];
      if (inside) this.#below(word, half, shortest, length, entry);
    }
  }
}

/** Is the word one of prefixes of `shortest` to `longest` bits, and another one? */
function replaces(word: number, shortest: number, longest: number, entry: number): boolean {
  const length = lengthOf(word);
  return length >= shortest && length <= longest && word !== entry;
}

/** A word of a key that starts at bit `first`, with the bits behind `length` cleared. */
function maskedKey(word: number, first: number, length: number): number {
  const bits = length - first;
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}
