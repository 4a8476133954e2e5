/**
 * Longest-prefix match in two memory reads for most addresses: a root by the first bits of the address and groups of
 * 256 for each further byte (DIR-24-8 for IPv4; for IPv6 see list-table.ts).
 *
 * Every slot holds the answer for the addresses below it, with the length of the prefix it comes from. Inserting a
 * prefix overwrites the slots of shorter ones in its range; deleting gives its slots back to the longest prefix that
 * covers it, which the prefix table (kept beside, never seen by packets) knows. A group counts the prefixes that need
 * it; when the last goes, its slot gets the covering answer and the group waits until no packet can be in it.
 *
 * Readers are never locked out: each visible change is one store, and a group is filled before the store that
 * publishes it. So an address's answer is the old one or the new one at every moment. When no group is free, the slot
 * says "ask" ("crowded") and `repair` builds the group once there is one.
 */
import type { Grace } from './grace.ts';
import { ask, crowdedEntry, groupEntry, groupSlots, hopEntry, isGroup, lengthOf, numberOf } from './layout.ts';
import { NumberPool } from './number-pool.ts';
import { maskedWord, PrefixTable } from './prefix-table.ts';
import type { SlotMemory } from './slot-memory.ts';

/** How full a table is. */
export interface TableStatistics {
  readonly prefixes: number;
  readonly groupsUsed: number;
  /** Given back, not yet to be used again. */
  readonly groupsWaiting: number;
  readonly groupsCapacity: number;
  readonly listsUsed: number;
  readonly listsWaiting: number;
  readonly listsCapacity: number;
  /** Slots that say "ask" because no group was free. */
  readonly crowdedSlots: number;
  /** Tables shared with the packet path, in bytes. */
  readonly tableBytes: number;
  /** What the writer keeps beside, in bytes. */
  readonly bookkeepingBytes: number;
}

export class StrideTable {
  readonly #memory: SlotMemory;
  readonly #prefixes: PrefixTable;
  readonly #pool: NumberPool;
  /** Prefixes that need each group. */
  readonly #needs: Uint32Array;
  /** Crowded slots, and how many prefixes are below each. */
  readonly #crowded = new Map<number, number>();
  readonly #scratch: Uint32Array;
  readonly #pathSlots: number[] = [];
  readonly #pathGroups: number[] = [];

  /** `words`: 1 for IPv4 addresses, 4 for IPv6. The memory must be all zeros. */
  constructor(words: 1 | 4, memory: SlotMemory, grace: Grace, expectedPrefixes?: number) {
    this.#memory = memory;
    this.#scratch = new Uint32Array(words);
    this.#prefixes = new PrefixTable(words, expectedPrefixes);
    this.#pool = new NumberPool(0, memory.groupCount, grace);
    this.#needs = new Uint32Array(memory.groupCount);
  }

  /** Creates or replaces a prefix. `nextHop` 0 says "ask" for all of it. Bits behind `length` are ignored. */
  set(prefix: Uint32Array, length: number, nextHop: number): void {
    const address = this.#masked(prefix, length);
    const entry = hopEntry(nextHop, length);
    if (length === 0) {
      this.#prefixes.set(address, 0, nextHop);
      this.#memory.storeDefault(nextHop);
      return;
    }
    const isNew = this.#prefixes.set(address, length, nextHop);
    this.#insert(this.#rootSlot(address), this.#memory.rootBits, address, length, entry, isNew);
  }

  /** @returns whether there was such a prefix. */
  delete(prefix: Uint32Array, length: number): boolean {
    const address = this.#masked(prefix, length);
    if (!this.#prefixes.delete(address, length)) return false;
    if (length === 0) {
      this.#memory.storeDefault(ask);
      return true;
    }
    const cover = this.#coverOf(address, length - 1);
    const slots = this.#pathSlots;
    const groups = this.#pathGroups;
    slots.length = 0;
    groups.length = 0;
    let slot = this.#rootSlot(address);
    let covered = this.#memory.rootBits;
    let crowded = false;
    while (length > covered) {
      const entry = this.#memory.load(slot);
      if (!isGroup(entry)) {
        crowded = true;
        break;
      }
      const group = numberOf(entry);
      slots.push(slot);
      groups.push(group);
      this.#needs[group]!--;
      slot = this.#memory.slotOfGroup(group) + byteAt(address, covered);
      covered += 8;
    }
    if (crowded) {
      const left = this.#crowded.get(slot)! - 1;
      if (left > 0) {
        this.#crowded.set(slot, left);
      } else {
        this.#crowded.delete(slot);
        this.#memory.store(slot, cover);
      }
    }
    const empty = groups.findIndex((group) => this.#needs[group] === 0);
    if (empty >= 0) {
      this.#memory.store(slots[empty]!, cover);
      for (let i = empty; i < groups.length; i++) this.#pool.give(groups[i]!);
    } else if (!crowded) {
      this.#paint(slot, slotsOf(length, covered), length, length, cover);
    }
    return true;
  }

  /** The word for an address, exactly as packets find it. */
  lookup(address: Uint32Array): number {
    let entry = this.#memory.load(this.#rootSlot(address));
    for (let covered = this.#memory.rootBits; isGroup(entry); covered += 8)
      entry = this.#memory.load(this.#memory.slotOfGroup(numberOf(entry)) + byteAt(address, covered));
    return entry === 0 ? this.#memory.defaultHop : entry;
  }

  /** The next hop set for exactly this prefix. */
  get(address: Uint32Array, length: number): number | undefined {
    return this.#prefixes.get(address, length);
  }

  /**
   * Gives crowded slots their groups when there are free ones again: one walk over all prefixes. Call it now and then
   * while `crowdedSlots` is not 0.
   * @returns slots that answer again.
   */
  repair(): number {
    if (this.#crowded.size === 0 || this.#pool.available === 0) return 0;
    const below = new Map<number, { covered: number; prefixes: [Uint32Array, number, number][] }>();
    for (let place = 0; place < this.#prefixes.places; place++) {
      const length = this.#prefixes.lengthAt(place);
      if (length <= this.#memory.rootBits) continue;
      const address = new Uint32Array(this.#prefixes.words);
      this.#prefixes.addressAt(place, address);
      let slot = this.#rootSlot(address);
      let covered = this.#memory.rootBits;
      for (let entry = this.#memory.load(slot); isGroup(entry) && length > covered; entry = this.#memory.load(slot)) {
        slot = this.#memory.slotOfGroup(numberOf(entry)) + byteAt(address, covered);
        covered += 8;
      }
      if (length <= covered || !this.#crowded.has(slot)) continue;
      const list = below.get(slot) ?? { covered, prefixes: [] };
      list.prefixes.push([address, length, this.#prefixes.valueAt(place)]);
      below.set(slot, list);
    }
    let repaired = 0;
    for (const [slot, { covered, prefixes }] of below) {
      const group = this.#pool.take();
      if (group < 0) break;
      const base = this.#memory.slotOfGroup(group);
      this.#memory.prepare(base, groupSlots, this.#coverOf(prefixes[0]![0], covered));
      this.#needs[group] = prefixes.length;
      for (const [address, length, nextHop] of prefixes)
        this.#insert(base + byteAt(address, covered), covered + 8, address, length, hopEntry(nextHop, length), true);
      this.#crowded.delete(slot);
      this.#memory.store(slot, groupEntry(group));
      repaired++;
    }
    return repaired;
  }

  get statistics(): TableStatistics {
    return {
      prefixes: this.#prefixes.size,
      groupsUsed: this.#pool.used,
      groupsWaiting: this.#pool.waiting,
      groupsCapacity: this.#pool.capacity,
      listsUsed: 0,
      listsWaiting: 0,
      listsCapacity: 0,
      crowdedSlots: this.#crowded.size,
      tableBytes: this.#memory.root.byteLength + this.#memory.groups.byteLength,
      bookkeepingBytes: this.#prefixes.bytes + this.#needs.byteLength,
    };
  }

  #masked(address: Uint32Array, length: number): Uint32Array {
    for (let i = 0; i < this.#scratch.length; i++) this.#scratch[i] = maskedWord(address, i, length);
    return this.#scratch;
  }

  #rootSlot(address: Uint32Array): number {
    return address[0]! >>> (32 - this.#memory.rootBits);
  }

  #coverOf(address: Uint32Array, atMost: number): number {
    const place = atMost < 1 ? -1 : this.#prefixes.longest(address, atMost);
    return place < 0 || this.#prefixes.lengthAt(place) === 0
      ? ask
      : hopEntry(this.#prefixes.valueAt(place), this.#prefixes.lengthAt(place));
  }

  #insert(from: number, bits: number, address: Uint32Array, length: number, entry: number, isNew: boolean): void {
    let slot = from;
    let covered = bits;
    while (length > covered) {
      const current = this.#memory.load(slot);
      if (!isGroup(current)) {
        if (this.#crowded.has(slot)) {
          if (isNew) this.#crowded.set(slot, this.#crowded.get(slot)! + 1);
        } else this.#branch(slot, covered, current, address, length, entry);
        return;
      }
      const group = numberOf(current);
      if (isNew) this.#needs[group]!++;
      slot = this.#memory.slotOfGroup(group) + byteAt(address, covered);
      covered += 8;
    }
    this.#paint(slot, slotsOf(length, covered), 0, length, entry);
  }

  /** Hangs the groups that lead to a prefix under a slot: built from the last one up, made visible by one store. */
  #branch(slot: number, bits: number, current: number, address: Uint32Array, length: number, entry: number): void {
    const levels = Math.ceil((length - bits) / 8);
    if (this.#pool.available < levels) {
      this.#crowded.set(slot, 1);
      this.#memory.store(slot, crowdedEntry);
      return;
    }
    let below = entry;
    for (let level = levels - 1; level >= 0; level--) {
      const covered = bits + level * 8;
      const group = this.#pool.take();
      const base = this.#memory.slotOfGroup(group);
      const count = level === levels - 1 ? slotsOf(length, covered + 8) : 1;
      this.#memory.prepare(base, groupSlots, current);
      this.#memory.prepare(base + byteAt(address, covered), count, below);
      this.#needs[group] = 1;
      below = groupEntry(group);
    }
    this.#memory.store(slot, below);
  }

  /** Overwrites the slots, and those of groups below, that hold prefixes of `shortest` to `longest` bits. */
  #paint(slot: number, count: number, shortest: number, longest: number, entry: number): void {
    for (let i = slot; i < slot + count; i++) {
      const current = this.#memory.load(i);
      if (isGroup(current)) {
        this.#paint(this.#memory.slotOfGroup(numberOf(current)), groupSlots, shortest, longest, entry);
        continue;
      }
      const length = lengthOf(current);
      if (length >= shortest && length <= longest && current !== entry) this.#memory.store(i, entry);
    }
  }
}

/** The byte of the address that starts at bit `bit`. */
function byteAt(address: Uint32Array, bit: number): number {
  return (address[bit >>> 5]! >>> (24 - (bit & 31))) & 0xff;
}

/** Slots a prefix takes on the level that tells `covered` bits apart. */
function slotsOf(length: number, covered: number): number {
  return 2 ** Math.max(0, covered - length);
}
