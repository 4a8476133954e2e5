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
 *
 * A very short prefix is painted in pieces: `unfinished` says that one is under way, `proceed` goes on with it, and the
 * next change completes it first.
 */
import { Crowding, type CrowdingTable } from './crowding.ts';
import type { Grace } from './grace.ts';
import { ask, crowdedEntry, groupEntry, groupSlots, hopEntry, isGroup, lengthOf, numberOf } from './layout.ts';
import { NumberPool } from './number-pool.ts';
import { maskedWord, PrefixTable } from './prefix-table.ts';
import { RootPaint, shortestFilled } from './root-paint.ts';
import type { TableStatistics } from './route-table.ts';
import type { SlotMemory } from './slot-memory.ts';

export class StrideTable implements CrowdingTable {
  readonly #memory: SlotMemory;
  readonly #prefixes: PrefixTable;
  readonly #pool: NumberPool;
  /** Prefixes that need each group. */
  readonly #needs: Uint32Array;
  readonly #crowding: Crowding;
  readonly #scratch: Uint32Array;
  readonly #pathSlots: number[] = [];
  readonly #pathGroups: number[] = [];
  readonly #paintRest: RootPaint;

  /** `words`: 1 for IPv4 addresses, 4 for IPv6. The memory must be all zeros. */
  constructor(words: 1 | 4, memory: SlotMemory, grace: Grace, expectedPrefixes?: number) {
    this.#memory = memory;
    this.#scratch = new Uint32Array(words);
    this.#prefixes = new PrefixTable(words, expectedPrefixes);
    this.#pool = new NumberPool(0, memory.groupCount, grace);
    this.#needs = new Uint32Array(memory.groupCount);
    this.#crowding = new Crowding(this.#prefixes, this);
    this.#paintRest = new RootPaint(memory, (slot, shortest, longest, entry) =>
      this.#paint(slot, 1, shortest, longest, entry),
    );
  }

  /** As new: the memory is all zeros again, and nobody reads it. */
  reset(): void {
    this.#prefixes.clear();
    this.#pool.reset();
    this.#needs.fill(0);
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
    const address = this.#masked(prefix, length);
    const isNew = this.#prefixes.set(address, length, nextHop);
    if (length === 0) this.#memory.storeDefault(nextHop);
    else this.#insert(address, length, hopEntry(nextHop, length), isNew);
  }

  /**
   * As `set`, while nobody reads the memory and prefixes come shortest first: what is there is never longer, so no word
   * needs to be looked at. @returns the next hop that the prefix had before, "ask" when it had none.
   */
  build(prefix: Uint32Array, length: number, nextHop: number): number {
    const { rootBits } = this.#memory;
    if (length < shortestFilled || length > rootBits) {
      const before = this.get(prefix, length) ?? ask;
      this.set(prefix, length, nextHop);
      return before;
    }
    this.#paintRest.finish();
    const address = this.#masked(prefix, length);
    const place = this.#prefixes.add(address, length);
    const before = this.#prefixes.valueAt(place);
    this.#prefixes.setValueAt(place, nextHop);
    this.#memory.fillRoot(this.#rootSlot(address), 2 ** (rootBits - length), hopEntry(nextHop, length));
    return before;
  }

  /** @returns whether there was such a prefix. */
  delete(prefix: Uint32Array, length: number): boolean {
    this.#paintRest.finish();
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
      const crowd = this.#crowding.get(slot)!;
      if (--crowd.count === 0) {
        this.#crowding.delete(slot);
        this.#memory.store(slot, cover);
      }
    }
    const empty = groups.findIndex((group) => this.#needs[group] === 0);
    if (empty >= 0) {
      this.#memory.store(slots[empty]!, cover);
      for (let i = empty; i < groups.length; i++) this.#pool.give(groups[i]!);
    } else if (!crowded) {
      this.#paintFrom(slot, covered, length, length, cover);
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

  /** Has the processor fetch what `set` will look at: see {@link PrefixTable.warm}. */
  warm(prefix: Uint32Array, length: number): number {
    return this.#prefixes.warm(prefix, length);
  }

  /** The next hop set for exactly this prefix. */
  get(address: Uint32Array, length: number): number | undefined {
    return this.#prefixes.get(address, length);
  }

  /**
   * Gives crowded slots their groups when there are free ones again, as long as `more()` says so; the next call goes on
   * where this one was. Call it now and then while `crowdedSlots` is not 0.
   * @returns slots that answer again.
   */
  repair(more: () => boolean = () => true): number {
    if (this.#paintRest.pending) return 0; // its rest is far more than a slice
    return this.#crowding.repair(more);
  }

  hasRoom(): boolean {
    return this.#pool.available > 0;
  }

  crowdedSlot(address: Uint32Array, length: number): number | undefined {
    let slot = this.#rootSlot(address);
    let covered = this.#memory.rootBits;
    for (let entry = this.#memory.load(slot); isGroup(entry) && length > covered; entry = this.#memory.load(slot)) {
      slot = this.#memory.slotOfGroup(numberOf(entry)) + byteAt(address, covered);
      covered += 8;
    }
    return length > covered && this.#crowding.get(slot) ? slot : undefined;
  }

  rebuild(slot: number, { covered, address }: { covered: number; address: Uint32Array }, below: PrefixTable): boolean {
    const group = this.#pool.take();
    if (group < 0) return false;
    const base = this.#memory.slotOfGroup(group);
    this.#memory.prepare(base, groupSlots, this.#coverOf(address, covered));
    const found = new Uint32Array(below.words);
    let needs = 0;
    for (let place = 0; place < below.places; place++) {
      const length = below.lengthAt(place);
      if (length < 0) continue;
      below.addressAt(place, found);
      const nextHop = this.#prefixes.get(found, length);
      if (nextHop === undefined) continue;
      needs++;
      this.#insertBelow(base + byteAt(found, covered), covered + 8, found, length, hopEntry(nextHop, length), true);
    }
    this.#needs[group] = needs;
    this.#crowding.delete(slot);
    this.#memory.store(slot, groupEntry(group));
    return true;
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
      crowdedSlots: this.#crowding.size,
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

  #insert(address: Uint32Array, length: number, entry: number, isNew: boolean): void {
    this.#insertBelow(this.#rootSlot(address), this.#memory.rootBits, address, length, entry, isNew);
  }

  #insertBelow(from: number, bits: number, address: Uint32Array, length: number, entry: number, isNew: boolean): void {
    let slot = from;
    let covered = bits;
    while (length > covered) {
      const current = this.#memory.load(slot);
      if (!isGroup(current)) {
        const crowd = this.#crowding.get(slot);
        if (!crowd) this.#branch(slot, covered, current, address, length, entry);
        else if (isNew) {
          crowd.count++;
          this.#crowding.met(slot, address, length);
        }
        return;
      }
      const group = numberOf(current);
      if (isNew) this.#needs[group]!++;
      slot = this.#memory.slotOfGroup(group) + byteAt(address, covered);
      covered += 8;
    }
    this.#paintFrom(slot, covered, 0, length, entry);
  }

  /** Hangs the groups that lead to a prefix under a slot: built from the last one up, made visible by one store. */
  #branch(slot: number, bits: number, current: number, address: Uint32Array, length: number, entry: number): void {
    const levels = Math.ceil((length - bits) / 8);
    if (this.#pool.available < levels) {
      this.#crowding.add(slot, { covered: bits, address: address.slice(), count: 1 });
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

  /** Paints the slots of a prefix on the level that tells `covered` bits apart. */
  #paintFrom(slot: number, covered: number, shortest: number, length: number, entry: number): void {
    const count = slotsOf(length, covered);
    if (count <= groupSlots) this.#paint(slot, count, shortest, length, entry);
    else this.#paintRest.start(slot, count, shortest, length, entry);
  }

  /**
   * Overwrites the slots, and those of groups below, that hold prefixes of `shortest` to `longest` bits.
   * @returns slots looked at.
   */
  #paint(slot: number, count: number, shortest: number, longest: number, entry: number): number {
    let seen = count;
    for (let i = slot; i < slot + count; i++) {
      const current = this.#memory.load(i);
      if (isGroup(current)) {
        seen += this.#paint(this.#memory.slotOfGroup(numberOf(current)), groupSlots, shortest, longest, entry);
        continue;
      }
      const length = lengthOf(current);
      if (length >= shortest && length <= longest && current !== entry) this.#memory.store(i, entry);
    }
    return seen;
  }
}

/** The byte of the address that starts at bit `bit`. */
function byteAt(address: Uint32Array, bit: number): number {
  return (address[bit >>> 5]! >>> (24 - (bit & 31))) & 0xff;
}

/** Slots a prefix takes on the level that tells `covered` bits apart. */
function slotsOf(length: number, covered: number): number {
  return covered > length ? 2 ** (covered - length) : 1;
}
