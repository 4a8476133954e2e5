/**
 * Slots that say "ask" because no memory was free for what is below them, and how they get it back, some work at a time.
 *
 * Which prefixes are below a crowded slot is known only by looking at all of them. That walk is done in steps between
 * which the table changes: what comes meanwhile is told by `met`, what goes is missed when it is looked up again, and a
 * slot that was given up or crowded anew in between is told by its mark.
 */
import { PrefixTable, PrefixWalk } from './prefix-table.ts';

/** A crowded slot. */
export interface Crowd {
  /** Bits of address that lead to the slot. */
  readonly covered: number;
  /** Some address below. */
  readonly address: Uint32Array;
  /** Prefixes below, where the table counts them. */
  count: number;
}

export interface CrowdingTable {
  /** The crowded slot that an address is in, if any: longer prefixes than `covered` are below it. */
  crowdedSlot(address: Uint32Array, length: number): number | undefined;
  /** Builds what the slot lacks of these prefixes. @returns false when memory was short again. */
  rebuild(slot: number, crowd: Crowd, prefixes: PrefixTable): boolean;
  /** Is there memory that a slot could be given? */
  hasRoom(): boolean;
}

/** Places looked at between two looks at the clock. */
const STEP = 4096;

export class Crowding {
  readonly #prefixes: PrefixTable;
  readonly #table: CrowdingTable;
  readonly #slots = new Map<number, Crowd>();
  /** The walk under way, and what it found below slots that were crowded when it began. */
  #walk: PrefixWalk | undefined;
  readonly #found = new Map<Crowd, PrefixTable>();
  readonly #scratch: Uint32Array;

  constructor(prefixes: PrefixTable, table: CrowdingTable) {
    this.#prefixes = prefixes;
    this.#table = table;
    this.#scratch = new Uint32Array(prefixes.words);
  }

  get size(): number {
    return this.#slots.size;
  }

  get(slot: number): Crowd | undefined {
    return this.#slots.get(slot);
  }

  add(slot: number, crowd: Crowd): void {
    this.#slots.set(slot, crowd);
  }

  delete(slot: number): void {
    const crowd = this.#slots.get(slot);
    if (!crowd) return;
    this.#slots.delete(slot);
    this.#found.delete(crowd);
  }

  clear(): void {
    this.#slots.clear();
    this.#found.clear();
    this.#walk = undefined;
  }

  /** A prefix was set below a crowded slot. */
  met(slot: number, address: Uint32Array, length: number): void {
    const crowd = this.#slots.get(slot);
    if (crowd) this.#found.get(crowd)?.set(address, length, 1);
  }

  /** Goes on with repairing while `more()` says so. @returns slots that answer again. */
  repair(more: () => boolean): number {
    let repaired = 0;
    if (this.#slots.size === 0) {
      this.#walk = undefined;
      this.#found.clear();
      return 0;
    }
    if (!this.#walk) {
      if (!this.#table.hasRoom()) return 0;
      this.#walk = new PrefixWalk(this.#prefixes);
      for (const crowd of this.#slots.values()) this.#found.set(crowd, new PrefixTable(this.#prefixes.words));
    }
    const visit = (place: number, length: number): void => {
      this.#prefixes.addressAt(place, this.#scratch);
      const slot = this.#table.crowdedSlot(this.#scratch, length);
      if (slot !== undefined) this.met(slot, this.#scratch, length);
    };
    while (!this.#walk.step(STEP, visit)) if (!more()) return repaired;
    for (const [crowd, prefixes] of this.#found) {
      if (!more()) return repaired;
      this.#found.delete(crowd);
      const slot = this.#slotOf(crowd);
      if (slot === undefined) continue;
      if (this.#table.hasRoom() && this.#table.rebuild(slot, crowd, prefixes)) repaired++;
    }
    this.#walk = undefined;
    return repaired;
  }

  #slotOf(wanted: Crowd): number | undefined {
    for (const [slot, crowd] of this.#slots) if (crowd === wanted) return slot;
    return undefined;
  }
}
