/**
 * Makes lists, and groups in the place of lists that are full, out of memory that no packet can reach yet.
 *
 * The items of a list stand in the order of their rank: the longest first, and what leads on before a prefix of the same
 * bits. They never move in a list that packets may be reading, so one that gains or loses an item is made anew.
 */
import { groupSlots, isGroup, lengthOf, listEntry } from './layout.ts';
import { half, type ListMemory, listItems } from './list-memory.ts';
import type { NumberPool } from './number-pool.ts';
import type { SlotMemory } from './slot-memory.ts';

/** A prefix of a list, or what leads on from all bits of a half. */
export interface Item {
  readonly entry: number;
  readonly high: number;
  readonly low: number;
}

export class ListBuilder {
  readonly #memory: SlotMemory;
  readonly #lists: ListMemory;
  readonly #groupPool: NumberPool;
  readonly #listPool: NumberPool;

  constructor(memory: SlotMemory, lists: ListMemory, groupPool: NumberPool, listPool: NumberPool) {
    this.#memory = memory;
    this.#lists = lists;
    this.#groupPool = groupPool;
    this.#listPool = listPool;
  }

  /**
   * A new list: the items of `source` (-1: none) but the one at `omit` (-1: none), and one more.
   * @returns its number, -1 when none is free.
   */
  list(source: number, omit: number, fallback: number, more: Item | undefined): number {
    const lists = this.#lists;
    const list = this.#listPool.take();
    if (list < 0) return -1;
    lists.prepare(list, fallback);
    const rankOfMore = more ? rank(more.entry) : -1;
    let placed = more === undefined;
    let to = 0;
    const place = (): void => {
      lists.prepareItem(list, to++, more!.entry, more!.high, more!.low);
      placed = true;
    };
    for (let from = 0; source >= 0 && from < listItems; from++) {
      const entry = lists.entry(source, from);
      if (entry === 0) break;
      if (from === omit) continue;
      if (!placed && rank(entry) < rankOfMore) place();
      lists.prepareItem(list, to++, entry, lists.keyHigh(source, from), lists.keyLow(source, from));
    }
    if (!placed) place();
    return list;
  }

  /**
   * A group that answers as the list does, told apart by `covered` bits and eight more.
   * @returns its number, -1 when memory is short.
   */
  groupOf(list: number, covered: number): number {
    const group = this.#groupPool.take();
    if (group < 0) return -1;
    const base = this.#memory.slotOfGroup(group);
    this.#memory.prepare(base, groupSlots, this.#lists.fallback(list));
    const before = covered < half ? 0 : half;
    /** Items longer than a slot of the group, by slot. */
    const below = new Map<number, Item[]>();
    for (const item of this.#itemsOf(list).reverse()) {
      const slot = base + byteOf(item.high, item.low, covered - before);
      const leads = isGroup(item.entry);
      const length = leads ? half : lengthOf(item.entry);
      if (leads && covered + 8 === half) this.#memory.prepare(slot, 1, item.entry);
      else if (length <= covered + 8 && !leads) this.#memory.prepare(slot, 2 ** (covered + 8 - length), item.entry);
      else below.set(slot, [...(below.get(slot) ?? []), item]);
    }
    const built: number[] = [];
    for (const [slot, items] of below) {
      const number = this.#listPool.take();
      if (number < 0) {
        for (const each of built) this.#listPool.give(each);
        this.#groupPool.give(group);
        return -1;
      }
      built.push(number);
      this.#lists.prepare(number, this.#memory.load(slot));
      const last = items.length - 1;
      for (const [i, { entry, high, low }] of items.entries())
        this.#lists.prepareItem(number, last - i, entry, high, low);
      this.#memory.prepare(slot, 1, listEntry(number));
    }
    return group;
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
}

function rank(entry: number): number {
  return isGroup(entry) ? 1000 : lengthOf(entry);
}

/** The byte that starts at bit `bit` of a half. */
function byteOf(high: number, low: number, bit: number): number {
  return ((bit < 32 ? high : low) >>> (24 - (bit & 31))) & 0xff;
}
