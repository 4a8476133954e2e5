/**
 * Longest-prefix match for IPv6: a root by the first 24 bits, below it groups of 256 by one byte each, and, wherever few
 * prefixes are left, a list of them in two cache lines instead of a chain of groups that are nearly empty.
 *
 *     root ─▶ group ─▶ group ─▶ list          a list compares half an address (64 bits) with up to ten prefixes
 *                        └────▶ next hop      and may lead on, by all 64 bits, to what knows the other half
 *
 * Most look-ups of a full table are a root, a group and a list: three reads where groups alone take five, and a tenth
 * of the memory. A list that would hold one more becomes a group; a group goes when nothing in it is longer than
 * what covers it.
 *
 * Readers are never locked out. Lists and groups are built before the one store that leads to them; of those that packets
 * may be reading, single words change: a slot, the word of an item, a fallback. Items never move: a list that gains or
 * loses one is built anew. What no longer is led to waits until no packet can be in it. When no list or group is free the
 * slot says "ask" (crowded) until `repair` finds one.
 */
import type { Grace } from './grace.ts';
import {
  ask,
  crowdedEntry,
  groupEntry,
  groupSlots,
  hopEntry,
  isGroup,
  isListEntry,
  lengthOf,
  listEntry,
  numberOf,
} from './layout.ts';
import { type ListMemory, listItems } from './list-memory.ts';
import { NumberPool } from './number-pool.ts';
import { maskedWord, PrefixTable } from './prefix-table.ts';
import type { SlotMemory } from './slot-memory.ts';
import type { TableStatistics } from './stride-table.ts';

/** Bits of a half: what a list compares. */
const HALF = 64;

interface Item {
  readonly entry: number;
  readonly high: number;
  readonly low: number;
}

export class ListTable {
  readonly #memory: SlotMemory;
  readonly #lists: ListMemory;
  readonly #prefixes: PrefixTable;
  readonly #groupPool: NumberPool;
  readonly #listPool: NumberPool;
  /** Slots that say "ask" for want of memory: how many bits lead there, and an address below. */
  readonly #crowded = new Map<number, { readonly covered: number; readonly address: Uint32Array }>();
  readonly #address = new Uint32Array(4);
  /** Words that nothing leads to any more, given back when the change is made. */
  readonly #retired: number[] = [];
  // The change under way.
  #length = 0;
  #entry = 0;

  /** The memory must be all zeros. */
  constructor(memory: SlotMemory, lists: ListMemory, grace: Grace, expectedPrefixes?: number) {
    this.#memory = memory;
    this.#lists = lists;
    this.#prefixes = new PrefixTable(4, expectedPrefixes);
    this.#groupPool = new NumberPool(0, memory.groupCount, grace);
    this.#listPool = new NumberPool(0, lists.count, grace);
  }

  /** Creates or replaces a prefix. `nextHop` 0 says "ask" for all of it. Bits behind `length` are ignored. */
  set(prefix: Uint32Array, length: number, nextHop: number): void {
    this.#begin(prefix, length, hopEntry(nextHop, length));
    this.#prefixes.set(this.#address, length, nextHop);
    if (length === 0) this.#memory.storeDefault(nextHop);
    else this.#paintOr(this.#rootSlot(this.#address), this.#memory.rootBits, 0, (word, at) => this.#insert(word, at));
    this.#giveRetired();
  }

  /** @returns whether there was such a prefix. */
  delete(prefix: Uint32Array, length: number): boolean {
    this.#begin(prefix, length, 0);
    if (!this.#prefixes.delete(this.#address, length)) return false;
    if (length === 0) this.#memory.storeDefault(ask);
    else {
      this.#entry = this.#coverOf(this.#address, length - 1);
      this.#paintOr(this.#rootSlot(this.#address), this.#memory.rootBits, length, (word, at) => this.#remove(word, at));
    }
    this.#giveRetired();
    return true;
  }

  /** The word for an address, exactly as packets find it. */
  lookup(address: Uint32Array): number {
    let entry = this.#memory.load(this.#rootSlot(address));
    let covered = this.#memory.rootBits;
    while (isGroup(entry)) {
      if (isListEntry(entry)) {
        entry = this.#lookupList(numberOf(entry), address, covered);
        covered = HALF;
      } else {
        entry = this.#memory.load(this.#memory.slotOfGroup(numberOf(entry)) + byteAt(address, covered));
        covered += 8;
      }
    }
    return entry === 0 ? this.#memory.defaultHop : entry;
  }

  #lookupList(list: number, address: Uint32Array, covered: number): number {
    for (let item = 0; item < listItems; item++) {
      const entry = this.#lists.entry(list, item);
      if (entry === 0) break;
      if (this.#covers(list, item, entry, address, covered)) return entry;
    }
    return this.#lists.fallback(list);
  }

  /** Does the item cover the address? What leads on does so by the whole half. */
  #covers(list: number, item: number, entry: number, address: Uint32Array, covered: number): boolean {
    const half = covered < HALF ? 0 : 2;
    const bits = isGroup(entry) ? HALF : lengthOf(entry) - half * 32;
    return (
      maskedWord(address, half, half * 32 + bits) === this.#lists.keyHigh(list, item) &&
      maskedWord(address, half + 1, half * 32 + bits) === this.#lists.keyLow(list, item)
    );
  }

  /** The next hop set for exactly this prefix. */
  get(address: Uint32Array, length: number): number | undefined {
    return this.#prefixes.get(address, length);
  }

  /** Builds what crowded slots lack, when there is memory again. @returns slots that answer again. */
  repair(): number {
    if (this.#crowded.size === 0 || this.#groupPool.available === 0 || this.#listPool.available === 0) return 0;
    let repaired = 0;
    for (const [slot, { covered, address }] of [...this.#crowded]) {
      let word = this.#coverOf(address, covered);
      const below = new Uint32Array(4);
      for (let place = 0; place < this.#prefixes.places && word !== crowdedEntry; place++) {
        const length = this.#prefixes.lengthAt(place);
        if (length <= covered) continue;
        this.#prefixes.addressAt(place, below);
        if (!samePrefix(below, address, covered)) continue;
        this.#begin(below, length, hopEntry(this.#prefixes.valueAt(place), length));
        const grown = this.#insert(word, covered);
        if (grown === crowdedEntry) this.#retire(word);
        word = grown;
        // Nobody has seen what was replaced, but the pools need not know.
        this.#giveRetired();
      }
      if (word === crowdedEntry) continue;
      this.#crowded.delete(slot);
      this.#memory.store(slot, word);
      if (!isGroup(word)) this.#tidy(address, covered);
      repaired++;
    }
    return repaired;
  }

  /** Takes away the groups on the way to a slot that are no longer needed. */
  #tidy(address: Uint32Array, covered: number): void {
    this.#begin(address, covered, this.#coverOf(address, covered));
    this.#paintOr(this.#rootSlot(address), this.#memory.rootBits, covered, (word, at) => this.#remove(word, at));
    this.#giveRetired();
  }

  get statistics(): TableStatistics {
    return {
      prefixes: this.#prefixes.size,
      groupsUsed: this.#groupPool.used,
      groupsWaiting: this.#groupPool.waiting,
      groupsCapacity: this.#groupPool.capacity,
      listsUsed: this.#listPool.used,
      listsWaiting: this.#listPool.waiting,
      listsCapacity: this.#listPool.capacity,
      crowdedSlots: this.#crowded.size,
      tableBytes: this.#memory.root.byteLength + this.#memory.groups.byteLength + this.#lists.words.byteLength,
      bookkeepingBytes: this.#prefixes.bytes,
    };
  }

  #begin(prefix: Uint32Array, length: number, entry: number): void {
    for (let i = 0; i < 4; i++) this.#address[i] = maskedWord(prefix, i, length);
    this.#length = length;
    this.#entry = entry;
  }

  #rootSlot(address: Uint32Array): number {
    return address[0]! >>> (32 - this.#memory.rootBits);
  }

  #coverOf(address: Uint32Array, atMost: number): number {
    const place = atMost < 1 ? -1 : this.#prefixes.longest(address, atMost);
    const length = place < 0 ? 0 : this.#prefixes.lengthAt(place);
    return length === 0 ? ask : hopEntry(this.#prefixes.valueAt(place), length);
  }

  /**
   * On a level whose slots tell `covered` bits apart: the slots of a prefix that is no longer are painted, the slot of a
   * longer one gets the word that `change` makes of its own.
   */
  #paintOr(slot: number, covered: number, shortest: number, change: (word: number, covered: number) => number): void {
    if (this.#length <= covered) {
      for (let i = 2 ** (covered - this.#length) - 1; i >= 0; i--) this.#paintSlot(slot + i, covered, shortest);
      return;
    }
    const before = this.#memory.load(slot);
    const after = change(before, covered);
    if (after === before) return;
    if (after === crowdedEntry) this.#crowded.set(slot, { covered, address: this.#address.slice() });
    this.#memory.store(slot, after);
    if (after === crowdedEntry && isGroup(before)) this.#retire(before);
  }

  #paintSlot(slot: number, covered: number, shortest: number): void {
    const word = this.#memory.load(slot);
    if (isGroup(word)) this.#paintBelow(word, covered, shortest);
    else if (this.#replaces(word, shortest)) this.#memory.store(slot, this.#entry);
  }

  /** Is the word one of prefixes of `shortest` bits up to the length of the change? */
  #replaces(word: number, shortest: number): boolean {
    const length = lengthOf(word);
    return length >= shortest && length <= this.#length && word !== this.#entry;
  }

  /** Paints everything a word leads to; all of it is inside the prefix. */
  #paintBelow(word: number, covered: number, shortest: number): void {
    const number = numberOf(word);
    if (!isListEntry(word)) {
      const base = this.#memory.slotOfGroup(number);
      for (let i = 0; i < groupSlots; i++) this.#paintSlot(base + i, covered + 8, shortest);
      return;
    }
    if (this.#replaces(this.#lists.fallback(number), shortest)) this.#lists.storeFallback(number, this.#entry);
    for (let item = 0; item < listItems; item++) {
      const entry = this.#lists.entry(number, item);
      if (isGroup(entry)) this.#paintBelow(entry, HALF, shortest);
    }
  }

  /** The word that a slot (told apart by `covered` bits) must have for the longer prefix to be in it. */
  #insert(word: number, covered: number): number {
    if (word === crowdedEntry) return word;
    if (!isGroup(word)) return this.#listOf(word, covered, []);
    const number = numberOf(word);
    if (!isListEntry(word)) {
      const slot = this.#memory.slotOfGroup(number) + byteAt(this.#address, covered);
      this.#paintOr(slot, covered + 8, 0, (below, at) => this.#insert(below, at));
      return word;
    }
    const end = covered < HALF ? HALF : 2 * HALF;
    const items = this.#itemsOf(number);
    if (this.#length > end) {
      const onward = items.findIndex(
        (item, i) => isGroup(item.entry) && this.#covers(number, i, item.entry, this.#address, covered),
      );
      if (onward < 0) return this.#grown(word, covered, items);
      const before = items[onward]!.entry;
      const after = this.#insert(before, HALF);
      if (after === crowdedEntry) return after;
      if (after !== before) this.#lists.storeEntry(number, onward, after);
      return word;
    }
    const same = items.findIndex((item) => this.#isExactly(item, covered));
    if (same >= 0) {
      this.#lists.storeEntry(number, same, this.#entry);
      this.#paintOnward(number, covered, 0);
      return word;
    }
    this.#paintOnward(number, covered, 0);
    return items.some((item) => this.#hides(item, covered)) ? word : this.#grown(word, covered, items);
  }

  /** Is the item of the very prefix of the change? */
  #isExactly({ entry, high, low }: Item, covered: number): boolean {
    const half = covered < HALF ? 0 : 2;
    return (
      !isGroup(entry) &&
      lengthOf(entry) === this.#length &&
      high === this.#address[half] &&
      low === this.#address[half + 1]
    );
  }

  /** Does the item lead on from the 64 bits that the prefix of the change is? Then its fallbacks have the prefix. */
  #hides({ entry, high, low }: Item, covered: number): boolean {
    return (
      covered < HALF && this.#length === HALF && isGroup(entry) && high === this.#address[0] && low === this.#address[1]
    );
  }

  /** Paints what a list's items lead on to inside the prefix. */
  #paintOnward(list: number, covered: number, shortest: number): void {
    if (covered >= HALF) return;
    for (let item = 0; item < listItems; item++) {
      const entry = this.#lists.entry(list, item);
      if (!isGroup(entry)) continue;
      const inside =
        maskedKey(this.#lists.keyHigh(list, item), 0, this.#length) === this.#address[0] &&
        maskedKey(this.#lists.keyLow(list, item), 32, this.#length) === this.#address[1];
      if (inside) this.#paintBelow(entry, HALF, shortest);
    }
  }

  /** The list's word with the change among its items, or that of a group in its place. */
  #grown(word: number, covered: number, items: readonly Item[]): number {
    const fallback = this.#lists.fallback(numberOf(word));
    const room = this.#length > HALF && covered < HALF ? this.#withoutHidden(items) : items;
    const grown = room.length < listItems ? this.#listOf(fallback, covered, room) : this.#groupOf(word, covered, items);
    if (grown !== crowdedEntry && grown !== word) this.#retired.push(word);
    return grown;
  }

  /** An item of 64 bits is hidden by one that leads on by the same bits. */
  #withoutHidden(items: readonly Item[]): readonly Item[] {
    return items.filter(
      ({ entry, high, low }) =>
        isGroup(entry) || lengthOf(entry) !== HALF || high !== this.#address[0] || low !== this.#address[1],
    );
  }

  /** A new list of these items and the change. */
  #listOf(fallback: number, covered: number, items: readonly Item[]): number {
    const list = this.#listPool.take();
    if (list < 0) return crowdedEntry;
    let own: Item;
    if (covered < HALF && this.#length > HALF) {
      const cover = this.#coverOf(this.#address, HALF);
      const below = this.#listOf(cover, HALF, []);
      if (below === crowdedEntry) {
        this.#listPool.give(list);
        return crowdedEntry;
      }
      own = { entry: below, high: this.#address[0]!, low: this.#address[1]! };
    } else {
      const half = covered < HALF ? 0 : 2;
      own = { entry: this.#entry, high: this.#address[half]!, low: this.#address[half + 1]! };
    }
    this.#writeList(list, fallback, [...items, own]);
    return listEntry(list);
  }

  #writeList(list: number, fallback: number, items: readonly Item[]): void {
    this.#lists.prepare(list, fallback);
    const ordered = [...items].sort((a, b) => rank(b.entry) - rank(a.entry));
    for (const [i, { entry, high, low }] of ordered.entries()) this.#lists.prepareItem(list, i, entry, high, low);
  }

  #itemsOf(list: number): Item[] {
    const items: Item[] = [];
    for (let i = 0; i < listItems; i++) {
      const entry = this.#lists.entry(list, i);
      if (entry === 0) break;
      items.push({ entry, high: this.#lists.keyHigh(list, i), low: this.#lists.keyLow(list, i) });
    }
    return items;
  }

  /** A group in the place of a full list, with the change in it; built before anybody sees it. */
  #groupOf(word: number, covered: number, items: readonly Item[]): number {
    const group = this.#groupPool.take();
    if (group < 0) return crowdedEntry;
    const base = this.#memory.slotOfGroup(group);
    this.#memory.prepare(base, groupSlots, this.#lists.fallback(numberOf(word)));
    const half = covered < HALF ? 0 : 2;
    const below = new Map<number, Item[]>();
    for (const item of [...items].sort((a, b) => rank(a.entry) - rank(b.entry))) {
      const slot = base + byteOf(item.high, item.low, covered - half * 32);
      const length = isGroup(item.entry) ? HALF : lengthOf(item.entry);
      if (isGroup(item.entry) && covered + 8 === HALF) this.#memory.prepare(slot, 1, item.entry);
      else if (length <= covered + 8 && !isGroup(item.entry))
        this.#memory.prepare(slot, 2 ** (covered + 8 - length), item.entry);
      else below.set(slot, [...(below.get(slot) ?? []), item]);
    }
    const built: number[] = [];
    for (const [slot, list] of below) {
      const number = this.#listPool.take();
      if (number < 0) {
        for (const each of built) this.#listPool.give(each);
        this.#groupPool.give(group);
        return crowdedEntry;
      }
      built.push(number);
      this.#writeList(number, this.#memory.load(slot), list);
      this.#memory.prepare(slot, 1, listEntry(number));
    }
    const slot = base + byteAt(this.#address, covered);
    this.#paintOr(slot, covered + 8, 0, (below, at) => this.#insert(below, at));
    return groupEntry(group);
  }

  /** The word that a slot must have for the prefix to be out of it; its addresses get the covering word. */
  #remove(word: number, covered: number): number {
    if (!isGroup(word)) return word; // crowded
    const number = numberOf(word);
    if (!isListEntry(word)) {
      const base = this.#memory.slotOfGroup(number);
      const slot = base + byteAt(this.#address, covered);
      this.#paintOr(slot, covered + 8, this.#length, (below, at) => this.#remove(below, at));
      return this.#unneeded(base, covered) ? this.#retireFor(word, this.#memory.load(base)) : word;
    }
    const end = covered < HALF ? HALF : 2 * HALF;
    const items = this.#itemsOf(number);
    if (this.#length > end) {
      const onward = items.findIndex(
        (item, i) => isGroup(item.entry) && this.#covers(number, i, item.entry, this.#address, covered),
      );
      if (onward < 0) return word;
      const { entry, high, low } = items[onward]!;
      const after = this.#remove(entry, HALF);
      if (after === entry) return word;
      // No list was free for what is left below: all of this slot says "ask", or its other prefixes would be lost.
      if (after === crowdedEntry) return after;
      if (isGroup(after)) {
        this.#lists.storeEntry(number, onward, after);
        return word;
      }
      const others = items.filter((_, i) => i !== onward);
      return this.#shrunk(word, lengthOf(after) === HALF ? [...others, { entry: after, high, low }] : others);
    }
    this.#paintOnward(number, covered, this.#length);
    const same = items.findIndex((item) => this.#isExactly(item, covered));
    return same < 0
      ? word
      : this.#shrunk(
          word,
          items.filter((_, i) => i !== same),
        );
  }

  /** The list with these items left; "ask" where no list is free. */
  #shrunk(word: number, items: readonly Item[]): number {
    const fallback = this.#lists.fallback(numberOf(word));
    if (items.length === 0) return this.#retireFor(word, fallback);
    const list = this.#listPool.take();
    if (list < 0) return crowdedEntry;
    this.#writeList(list, fallback, items);
    this.#retired.push(word);
    return listEntry(list);
  }

  #retireFor(word: number, other: number): number {
    this.#retired.push(word);
    return other;
  }

  /** Has the group no word of a prefix longer than what leads to it? */
  #unneeded(base: number, covered: number): boolean {
    for (let i = 0; i < groupSlots; i++) {
      const word = this.#memory.load(base + i);
      if (isGroup(word) || lengthOf(word) > covered) return false;
    }
    return true;
  }

  /** Gives back a word's list or group with all that it leads to. */
  #retire(word: number): void {
    if (!isGroup(word)) return;
    this.#retired.push(word);
    const number = numberOf(word);
    if (isListEntry(word)) {
      for (const { entry } of this.#itemsOf(number)) this.#retire(entry);
      return;
    }
    const base = this.#memory.slotOfGroup(number);
    for (let i = 0; i < groupSlots; i++) {
      this.#crowded.delete(base + i);
      this.#retire(this.#memory.load(base + i));
    }
  }

  #giveRetired(): void {
    if (this.#retired.length === 0) return;
    // A word that went with what it stood in may have gone before.
    for (const word of new Set(this.#retired))
      (isListEntry(word) ? this.#listPool : this.#groupPool).give(numberOf(word));
    this.#retired.length = 0;
  }
}

/** The order of items: from the longest on; what leads on stands before a prefix of the same bits. */
function rank(entry: number): number {
  return isGroup(entry) ? 1000 : lengthOf(entry);
}

/** The byte of the address that starts at bit `bit`. */
function byteAt(address: Uint32Array, bit: number): number {
  return (address[bit >>> 5]! >>> (24 - (bit & 31))) & 0xff;
}

function byteOf(high: number, low: number, bit: number): number {
  return ((bit < 32 ? high : low) >>> (24 - (bit & 31))) & 0xff;
}

/** A word of a key that starts at bit `first`, with the bits behind `length` cleared. */
function maskedKey(word: number, first: number, length: number): number {
  const bits = length - first;
  if (bits >= 32) return word;
  return bits <= 0 ? 0 : (word & (0xffffffff << (32 - bits))) >>> 0;
}

function samePrefix(a: Uint32Array, b: Uint32Array, length: number): boolean {
  for (let i = 0; i < 4; i++) if (maskedWord(a, i, length) !== maskedWord(b, i, length)) return false;
  return true;
}
