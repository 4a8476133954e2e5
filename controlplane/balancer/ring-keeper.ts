/**
 * One ring in the packet path: its slots in the arena, and the record that says where they are.
 *
 * A change is written to another place of the arena and published by one word (`place`), so no packet meets a ring half
 * changed; the old place is free after a grace period. What time does to single slots (pinned, steady again) is written
 * in place: a slot is one word. The end of settling stands in the record before slots that settle are published, so that
 * they end even when nobody is left to end them.
 */
import { lbRingCodec, lbSlotLayout } from '../bpf/generated/headrace.ts';
import { CapacityError } from './capacity-error.ts';
import type { RegionPool } from './region-pool.ts';
import { expireRing, prolongRing, Ring, sweepRing } from './ring.ts';

const { SLOTS_PER_LINE, SLOT_PREVIOUS_SHIFT: PREVIOUS_SHIFT, PINNED } = lbSlotLayout;
const NS = 1_000_000;
const PLACE = 0;
const DEADLINE = 1;
const SETTLE = 2;
const REFUSED = 3;
const WORDS = lbRingCodec.size / 8;

/** Rings and slots of the packet path's tables. */
export interface RingMemory {
  /** Records, as 64-bit words. */
  readonly records: BigUint64Array;
  readonly slots: Uint32Array;
}

export function ringMemory(records: DataView, slots: DataView): RingMemory {
  return {
    records: new BigUint64Array(records.buffer, records.byteOffset, records.byteLength >> 3),
    slots: new Uint32Array(slots.buffer, slots.byteOffset, slots.byteLength >> 2),
  };
}

export class RingKeeper {
  readonly number: number;
  readonly #memory: RingMemory;
  readonly #regions: RegionPool;
  #ring: Ring;
  /** First line; -1: nowhere yet. */
  #line = -1;
  /** Goes up with every `publish`, so that who works in slices sees that a ring is another. */
  generation = 0;

  private constructor(number: number, memory: RingMemory, regions: RegionPool, ring: Ring) {
    this.number = number;
    this.#memory = memory;
    this.#regions = regions;
    this.#ring = ring;
  }

  /** A ring nobody has seen yet: `publish` puts it somewhere. */
  static create(number: number, memory: RingMemory, regions: RegionPool): RingKeeper {
    const keeper = new RingKeeper(number, memory, regions, new Ring(0));
    for (const word of [PLACE, DEADLINE, SETTLE, REFUSED]) keeper.#store(word, 0n);
    return keeper;
  }

  /** A ring a former daemon left; undefined when what is there makes no sense. */
  static adopt(number: number, memory: RingMemory, regions: RegionPool): RingKeeper | undefined {
    const place = memory.records[number * WORDS + PLACE]!;
    const size = Number(place & 0xffff_ffffn);
    const first = Number(place >> 32n);
    const lines = linesOf(size);
    if (size === 0 || first % SLOTS_PER_LINE !== 0 || !regions.reserve(first / SLOTS_PER_LINE, lines)) return undefined;
    const keeper = new RingKeeper(number, memory, regions, new Ring(size));
    keeper.#line = first / SLOTS_PER_LINE;
    const deadline = keeper.settlesUntil();
    for (let i = 0; i < size; i++) {
      const word = memory.slots[first + i]!;
      const current = word & 0xffff;
      const previous = word >>> PREVIOUS_SHIFT;
      if (previous === 0) keeper.#ring.set(i, { phase: 'steady', current });
      else if (previous === PINNED) keeper.#ring.set(i, { phase: 'pinned', current });
      else keeper.#ring.set(i, { phase: 'settling', current, previous, deadline });
    }
    return keeper;
  }

  get ring(): Ring {
    return this.#ring;
  }

  get size(): number {
    return this.#ring.size;
  }

  /** Makes `next` what packets see. @throws CapacityError when the arena has no room; nothing changed then. */
  publish(next: Ring, settleMs: number): void {
    const lines = linesOf(next.size);
    const line = this.#regions.take(lines);
    if (line < 0) throw new CapacityError(noRoom([lines], this.#regions));
    const first = line * SLOTS_PER_LINE;
    for (let i = 0; i < next.size; i++) this.#memory.slots[first + i] = wordOf(next, i);
    const [before, size] = [this.#line, this.#ring.size];
    this.#ring = next;
    this.#line = line;
    this.generation++;
    this.#store(SETTLE, BigInt(Math.round(settleMs)) * BigInt(NS));
    this.#storeDeadline();
    this.#store(PLACE, (BigInt(first) << 32n) | BigInt(next.size));
    if (before >= 0) this.#regions.give(before, linesOf(size));
  }

  /** Packets find no slots any more. */
  remove(): void {
    this.#store(PLACE, 0n);
    if (this.#line >= 0) this.#regions.give(this.#line, linesOf(this.#ring.size));
    this.#line = -1;
    this.generation++;
  }

  /**
   * What time does: slots whose time is over are pinned, unless packets were refused entries meanwhile. Milliseconds of
   * CLOCK_MONOTONIC.
   */
  advance(now: number): void {
    const until = this.#refusedUntil();
    if (until > now) for (const index of prolongRing(this.#ring, until)) this.#write(index);
    for (const index of expireRing(this.#ring, now)) this.#write(index);
    this.#storeDeadline();
  }

  /** Pinned slots without entries become steady. */
  sweep(entries: ArrayLike<number>): number {
    const changed = sweepRing(this.#ring, entries);
    for (const index of changed) this.#write(index);
    return changed.length;
  }

  /** When an insert was last refused, milliseconds of CLOCK_MONOTONIC; 0: never. */
  get refusedAt(): number {
    return Number(this.#load(REFUSED)) / NS;
  }

  #refusedUntil(): number {
    const refused = this.refusedAt;
    return refused === 0 ? 0 : refused + Number(this.#load(SETTLE)) / NS;
  }

  /** As packets see it. */
  settlesUntil(): number {
    return Math.max(Number(this.#load(DEADLINE)) / NS, this.#refusedUntil());
  }

  /** The latest end of any slot: packets know one for the whole ring. */
  #storeDeadline(): void {
    const latest = this.#ring.lastDeadline();
    if (latest !== undefined) this.#store(DEADLINE, BigInt(Math.round(latest * NS)));
  }

  #write(index: number): void {
    Atomics.store(this.#memory.slots, this.#line * SLOTS_PER_LINE + index, wordOf(this.#ring, index));
  }

  #load(word: number): bigint {
    return Atomics.load(this.#memory.records, this.number * WORDS + word);
  }

  #store(word: number, value: bigint): void {
    Atomics.store(this.#memory.records, this.number * WORDS + word, value);
  }
}

export function linesOf(slots: number): number {
  return Math.ceil(slots / SLOTS_PER_LINE);
}

/** For people: what is wanted does not fit. `lines`: of each ring that is wanted. */
export function noRoom(lines: readonly number[], regions: RegionPool): string {
  const slots = (count: number): number => count * SLOTS_PER_LINE;
  const sum = lines.reduce((total, count) => total + count, 0);
  const pieces = regions.used + sum > regions.lines ? '' : `, the rest in pieces of at most ${slots(regions.longest)}`;
  return (
    `there is no room for ${lines.length > 1 ? `rings of ${slots(sum)} slots in all` : `a ring of ${slots(sum)} slots`}: ` +
    `${slots(regions.used)} of ${slots(regions.lines)} slots are in use${pieces}; use smaller tables (balance.table) or ` +
    'fewer pools'
  );
}

function wordOf(ring: Ring, index: number): number {
  const slot = ring.get(index);
  const previous = slot.phase === 'steady' ? 0 : slot.phase === 'pinned' ? PINNED : slot.previous;
  return (slot.current | (previous << PREVIOUS_SHIFT)) >>> 0;
}
