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
 * slot says "ask" (crowded) until `repair` finds one. A very short prefix is painted in pieces, as in stride-table.ts.
 */
import { type Crowd, Crowding, type CrowdingTable } from './crowding.ts';
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
import { type Item, ListBuilder } from './list-builder.ts';
import { half, type ListMemory, listItems } from './list-memory.ts';
import { ListPaint } from './list-paint.ts';
import { NumberPool } from './number-pool.ts';
import { maskedWord, PrefixTable } from './prefix-table.ts';
import { RootPaint, shortestFilled } from './root-paint.ts';
import type { TableStatistics } from './route-table.ts';
import type { SlotMemory } from './slot-memory.ts';

export class ListTable implements CrowdingTable {
  readonly #memory: SlotMemory;
  readonly #lists: ListMemory;
  readonly #prefixes: PrefixTable;
  readonly #groupPool: NumberPool;
  readonly #listPool: NumberPool;
  readonly #builder: ListBuilder;
  readonly #crowding: Crowding;
  readonly #paint: ListPaint;
  readonly #paintRest: RootPaint;
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
    this.#builder = new ListBuilder(memory, lists, this.#groupPool, this.#listPool);
    this.#crowding = new Crowding(this.#prefixes, this);
    this.#paint = new ListPaint(memory, lists);
    this.#paintRest = new RootPaint(memory, (slot, shortest, longest, entry) =>
      this.#paint.slot(slot, this.#memory.rootBits, shortest, longest, entry),
    );
  }

  /** As new: root and groups are all zeros again, and nobody reads them. */
  reset(): void {
    this.#prefixes.clear();
    this.#groupPool.reset();
    this.#listPool.reset();
    this.#crowding.clear();
    this.#paintRest.abandon();
  }

  /** Is a prefix half painted? */
  get unfinished(): boolean {
    return this.#paintRest.pending;
  }

  /** Goes on with it for about a millisecond. */
  proceed(): void {
    this.#paintRest.proceed();
  }

  /** Creates or replaces a prefix. `nextHop` 0 says "ask" for all of it. Bits behind `length` are ignored. */
  set(prefix: Uint32Array, length: number, nextHop: number): void {
    this.#paintRest.finish();
    this.#begin(prefix, length, hopEntry(nextHop, length));
    this.#prefixes.set(this.#address, length, nextHop);
    if (length === 0) this.#memory.storeDefault(nextHop);
    else this.#change(this.#rootSlot(this.#address), this.#memory.rootBits, 0, true);
    this.#giveRetired();
  }

  /** As that of a {@link StrideTable}: prefixes come shortest first, and nobody reads the memory yet. */
  build(prefix: Uint32Array, length: number, nextHop: number): number {
    const { rootBits } = this.#memory;
    this.#paintRest.finish();
    this.#begin(prefix, length, hopEntry(nextHop, length));
    const place = this.#prefixes.add(this.#address, length);
    const before = this.#prefixes.valueAt(place);
    this.#prefixes.setValueAt(place, nextHop);
    const slot = this.#rootSlot(this.#address);
    if (length === 0) this.#memory.storeDefault(nextHop);
    else if (length < shortestFilled || length > rootBits) this.#change(slot, rootBits, 0, true);
    else this.#memory.fillRoot(slot, 2 ** (rootBits - length), this.#entry);
    this.#giveRetired();
    return before;
  }

  /** @returns whether there was such a prefix. */
  delete(prefix: Uint32Array, length: number): boolean {
    this.#paintRest.finish();
    this.#begin(prefix, length, 0);
    if (!this.#prefixes.delete(this.#address, length)) return false;
    if (length === 0) this.#memory.storeDefault(ask);
    else {
      this.#entry = this.#coverOf(this.#address, length - 1);
      this.#change(this.#rootSlot(this.#address), this.#memory.rootBits, length, false);
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
        covered = half;
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
    const first = covered < half ? 0 : 2;
    const bits = isGroup(entry) ? half : lengthOf(entry) - first * 32;
    return (
      maskedWord(address, first, first * 32 + bits) === this.#lists.keyHigh(list, item) &&
      maskedWord(address, first + 1, first * 32 + bits) === this.#lists.keyLow(list, item)
    );
  }

  /** Has the processor fetch what `set` will look at: see {@link PrefixTable.warm}. */
  warm(prefix: Uint32Array, length: number): number {
    return this.#prefixes.warm(prefix, length);
  }

  /** The next hop set for exactly this prefix. */
  get(address: Uint32Array, length: number): number | undefined {
    return this.#prefixes.get(address, length);
  }

  /**
   * Builds what crowded slots lack, when there is memory again, as long as `more()` says so; the next call goes on where
   * this one was. @returns slots that answer again.
   */
  repair(more: () => boolean = () => true): number {
    if (this.#paintRest.pending) return 0; // its rest is far more than a slice
    return this.#crowding.repair(more);
  }

  hasRoom(): boolean {
    return this.#groupPool.available > 0 && this.#listPool.available > 0;
  }

  crowdedSlot(address: Uint32Array, length: number): number | undefined {
    let slot = this.#rootSlot(address);
    let covered = this.#memory.rootBits;
    let word = this.#memory.load(slot);
    while (isGroup(word) && length > covered) {
      if (isListEntry(word)) {
        const onward = covered < half && length > half ? this.#lists.onward(numberOf(word), address) : -1;
        if (onward < 0) return undefined;
        word = this.#lists.entry(numberOf(word), onward);
        covered = half;
      } else {
        slot = this.#memory.slotOfGroup(numberOf(word)) + byteAt(address, covered);
        covered += 8;
        word = this.#memory.load(slot);
      }
    }
    return word === crowdedEntry && length > covered ? slot : undefined;
  }

  rebuild(slot: number, { covered, address }: Crowd, prefixes: PrefixTable): boolean {
    let word = this.#coverOf(address, covered);
    const found = new Uint32Array(4);
    for (let place = 0; place < prefixes.places; place++) {
      const length = prefixes.lengthAt(place);
      if (length < 0) continue;
      prefixes.addressAt(place, found);
      const nextHop = this.#prefixes.get(found, length);
      if (nextHop === undefined) continue;
      this.#begin(found, length, hopEntry(nextHop, length));
      const grown = this.#insert(word, covered);
      if (grown === crowdedEntry) this.#retire(word);
      word = grown;
      // Nobody has seen what was replaced, but the pools need not know.
      this.#giveRetired();
      if (word === crowdedEntry) return false;
    }
    this.#crowding.delete(slot);
    this.#memory.store(slot, word);
    if (!isGroup(word)) this.#tidy(address, covered);
    return true;
  }

  /** Takes away the groups on the way to a slot that are no longer needed. */
  #tidy(address: Uint32Array, covered: number): void {
    this.#begin(address, covered, this.#coverOf(address, covered));
    this.#change(this.#rootSlot(address), this.#memory.rootBits, covered, false);
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
      crowdedSlots: this.#crowding.size,
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
   * longer one gets the word with the prefix in it, or out of it.
   */
  #change(slot: number, covered: number, shortest: number, into: boolean): void {
    if (this.#length <= covered) {
      const count = 2 ** (covered - this.#length);
      if (count > groupSlots) this.#paintRest.start(slot, count, shortest, this.#length, this.#entry);
      else
        for (let i = count - 1; i >= 0; i--) this.#paint.slot(slot + i, covered, shortest, this.#length, this.#entry);
      return;
    }
    const before = this.#memory.load(slot);
    if (into && before === crowdedEntry) this.#crowding.met(slot, this.#address, this.#length);
    const after = into ? this.#insert(before, covered) : this.#remove(before, covered);
    if (after === before) return;
    if (after === crowdedEntry) this.#crowding.add(slot, { covered, address: this.#address.slice(), count: 1 });
    this.#memory.store(slot, after);
    if (after === crowdedEntry && isGroup(before)) this.#retire(before);
  }

  /** The word that a slot (told apart by `covered` bits) must have for the longer prefix to be in it. */
  #insert(word: number, covered: number): number {
    if (word === crowdedEntry) return word;
    if (!isGroup(word)) return this.#firstList(word, covered);
    const number = numberOf(word);
    if (!isListEntry(word)) {
      this.#change(this.#memory.slotOfGroup(number) + byteAt(this.#address, covered), covered + 8, 0, true);
      return word;
    }
    if (covered < half && this.#length > half) {
      const onward = this.#lists.onward(number, this.#address);
      if (onward < 0) return this.#grown(word, covered);
      const before = this.#lists.entry(number, onward);
      const after = this.#insert(before, half);
      if (after === crowdedEntry) return after;
      if (after !== before) this.#lists.storeEntry(number, onward, after);
      return word;
    }
    const same = this.#lists.find(number, covered, this.#address, this.#length);
    if (same >= 0) this.#lists.storeEntry(number, same, this.#entry);
    if (covered < half) this.#paint.onward(number, this.#address, this.#length, 0, this.#entry);
    if (same >= 0) return word;
    // What leads on by the very bits of the prefix hides it: its fallbacks have it.
    const hidden = covered < half && this.#length === half && this.#lists.onward(number, this.#address) >= 0;
    return hidden ? word : this.#grown(word, covered);
  }

  /** The item that the change becomes in a list below `covered` bits; undefined when no list is free for its other half. */
  #itemOfChange(covered: number): Item | undefined {
    const first = covered < half ? 0 : 2;
    const [high, low] = [this.#address[first]!, this.#address[first + 1]!];
    if (covered >= half || this.#length <= half) return { entry: this.#entry, high, low };
    const below = this.#firstList(this.#coverOf(this.#address, half), half);
    return below === crowdedEntry ? undefined : { entry: below, high, low };
  }

  /** A list of nothing but the change. */
  #firstList(fallback: number, covered: number): number {
    return this.#listWithChange(-1, -1, fallback, covered);
  }

  #listWithChange(source: number, omit: number, fallback: number, covered: number): number {
    const item = this.#itemOfChange(covered);
    if (!item) return crowdedEntry;
    const list = this.#builder.list(source, omit, fallback, item);
    if (list >= 0) return listEntry(list);
    if (isGroup(item.entry)) this.#listPool.give(numberOf(item.entry));
    return crowdedEntry;
  }

  /** The list's word with the change among its items, or that of a group in its place. */
  #grown(word: number, covered: number): number {
    const number = numberOf(word);
    // An item of 64 bits is hidden by one that leads on by the same bits.
    const leads = covered < half && this.#length > half;
    const hidden = leads ? this.#lists.find(number, covered, this.#address, half) : -1;
    const full = this.#lists.itemsIn(number) - (hidden >= 0 ? 1 : 0) === listItems;
    const grown = full
      ? this.#groupWithChange(number, covered)
      : this.#listWithChange(number, hidden, this.#lists.fallback(number), covered);
    if (grown !== crowdedEntry) this.#retired.push(word);
    return grown;
  }

  /** A group in the place of a full list, with the change in it; built before anybody sees it. */
  #groupWithChange(list: number, covered: number): number {
    const group = this.#builder.groupOf(list, covered);
    if (group < 0) return crowdedEntry;
    this.#change(this.#memory.slotOfGroup(group) + byteAt(this.#address, covered), covered + 8, 0, true);
    return groupEntry(group);
  }

  /** The word that a slot must have for the prefix to be out of it; its addresses get the covering word. */
  #remove(word: number, covered: number): number {
    if (!isGroup(word)) return word; // crowded
    const number = numberOf(word);
    if (!isListEntry(word)) {
      const base = this.#memory.slotOfGroup(number);
      this.#change(base + byteAt(this.#address, covered), covered + 8, this.#length, false);
      return this.#unneeded(base, covered) ? this.#retireFor(word, this.#memory.load(base)) : word;
    }
    if (covered < half && this.#length > half) {
      const onward = this.#lists.onward(number, this.#address);
      if (onward < 0) return word;
      const entry = this.#lists.entry(number, onward);
      const after = this.#remove(entry, half);
      if (after === entry) return word;
      // No list was free for what is left below: all of this slot says "ask", or its other prefixes would be lost.
      if (after === crowdedEntry) return after;
      if (isGroup(after)) {
        this.#lists.storeEntry(number, onward, after);
        return word;
      }
      const [high, low] = [this.#lists.keyHigh(number, onward), this.#lists.keyLow(number, onward)];
      return this.#shrunk(word, onward, lengthOf(after) === half ? { entry: after, high, low } : undefined);
    }
    if (covered < half) this.#paint.onward(number, this.#address, this.#length, this.#length, this.#entry);
    const same = this.#lists.find(number, covered, this.#address, this.#length);
    return same < 0 ? word : this.#shrunk(word, same, undefined);
  }

  /** The list without an item, and perhaps with another in its place; "ask" where no list is free. */
  #shrunk(word: number, omit: number, instead: Item | undefined): number {
    const number = numberOf(word);
    const fallback = this.#lists.fallback(number);
    if (!instead && this.#lists.itemsIn(number) === 1) return this.#retireFor(word, fallback);
    const list = this.#builder.list(number, omit, fallback, instead);
    if (list < 0) return crowdedEntry;
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
      for (let item = 0; item < listItems; item++) this.#retire(this.#lists.entry(number, item));
      return;
    }
    const base = this.#memory.slotOfGroup(number);
    for (let i = 0; i < groupSlots; i++) {
      this.#crowding.delete(base + i);
      this.#retire(this.#memory.load(base + i));
    }
  }

  #giveRetired(): void {
    if (this.#retired.length === 0) return;
    if (this.#retired.length === 1) this.#give(this.#retired[0]!);
    // A word that went with what it stood in may have gone before.
    else for (const word of new Set(this.#retired)) this.#give(word);
    this.#retired.length = 0;
  }

  #give(word: number): void {
    (isListEntry(word) ? this.#listPool : this.#groupPool).give(numberOf(word));
  }
}

/** The byte of the address that starts at bit `bit`. */
function byteAt(address: Uint32Array, bit: number): number {
  return (address[bit >>> 5]! >>> (24 - (bit & 31))) & 0xff;
}
