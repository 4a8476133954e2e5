/**
 * The rings that packets use, by name, and how each goes over to other owners.
 *
 * A ring serves all services of a pool that have one size of table. It is filled in slices, so that a pool of hundreds
 * does not keep the daemon from its other work, and only when something that decides its slots has changed.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Grace } from '../routing/fib/grace.ts';
import type { BalanceMemory } from './balance-memory.ts';
import { CapacityError } from './capacity-error.ts';
import { fillRing, type Member, NO_OWNER } from './maglev.ts';
import { type BalancerSettings, type BalancerSpec, ringName } from './model.ts';
import { RegionPool } from './region-pool.ts';
import { moveRing, Ring } from './ring.ts';
import { linesOf, noRoom, RingKeeper } from './ring-keeper.ts';

export interface RingState {
  readonly name: string;
  readonly pool: string;
  readonly table: number;
  keeper: RingKeeper;
  /** What it was filled for: the same again is not filled again. */
  filledFor: string;
  rebuilds: number;
  /** Share of slots whose owner the last rebuild changed. */
  remapped: number;
}

/** What a change would do to a ring. */
export interface RingPreview {
  readonly slots: number;
  /** Slots that would get another owner. */
  readonly moved: number;
  /** Slots that would settle, those that do already included. */
  readonly settling: number;
}

/** Who is to own a ring, and who serves the connections it has. */
export interface Ownership {
  readonly members: readonly Member[];
  /** Of the members, in their order. */
  readonly numbers: readonly number[];
  readonly living: ReadonlySet<number>;
}

export class RingSet {
  readonly #memory: BalanceMemory;
  readonly #regions: RegionPool;
  readonly #rings = new Map<string, RingState>();

  constructor(memory: BalanceMemory, grace: Grace) {
    this.#memory = memory;
    this.#regions = new RegionPool(memory.limits.lines, grace);
  }

  list(): readonly RingState[] {
    return [...this.#rings.values()];
  }

  get(name: string): RingState | undefined {
    return this.#rings.get(name);
  }

  has(name: string): boolean {
    return this.#rings.has(name);
  }

  /** Slots of the arena: used and all there are. */
  get arena(): { readonly used: number; readonly size: number } {
    return { used: this.#regions.used * 16, size: this.#regions.lines * 16 };
  }

  /** Takes over a ring that packets use, if it is what its name says. */
  adopt(name: string, number: number): void {
    const keeper = RingKeeper.adopt(number, this.#memory.rings, this.#regions);
    const [pool = '', table = ''] = name.split('/');
    if (keeper && keeper.size === Number(table))
      this.#rings.set(name, { name, pool, table: keeper.size, keeper, filledFor: '', rebuilds: 0, remapped: 0 });
  }

  create(name: string, ring: { readonly pool: string; readonly table: number }, number: number): void {
    const keeper = RingKeeper.create(number, this.#memory.rings, this.#regions);
    this.#rings.set(name, { name, ...ring, keeper, filledFor: '', rebuilds: 0, remapped: 0 });
  }

  remove(name: string): void {
    this.#rings.get(name)?.keeper.remove();
    this.#rings.delete(name);
  }

  /** @throws CapacityError when `rings` do not fit beside what is there. */
  checkRoom(rings: ReadonlyMap<string, { readonly table: number }>): void {
    const fresh = [...rings].filter(([name]) => !this.#rings.has(name)).map(([, { table }]) => linesOf(table));
    // One ring at a time stands at two places.
    const largest = Math.max(0, ...[...rings.values()].map(({ table }) => linesOf(table)));
    if (!this.#regions.holds([...fresh, largest])) throw new CapacityError(noRoom([...fresh, largest], this.#regions));
  }

  /**
   * Gives a ring to its owners: at once if it is new, else by slots that settle. Waits for room that rings before it
   * have just left.
   * @throws CapacityError when the arena has no run that is long enough; the ring is as before
   */
  async move(ring: RingState, { members, numbers, living }: Ownership, settings: BalancerSettings, now: () => number) {
    const { seed, settleMs } = settings;
    const filledFor = JSON.stringify([seed, settleMs, members, numbers, [...living]]);
    if (ring.filledFor === filledFor) return;
    const owners = await ownersOf(members, numbers, ring.table, seed);
    await this.#regions.wait(linesOf(ring.table));
    const first = ring.keeper.size === 0;
    const time = now();
    ring.keeper.advance(time);
    const move = { now: time, settleFor: settleMs, lives: (number: number) => living.has(number) };
    const moved = first ? undefined : moveRing(ring.keeper.ring, owners, move);
    if (!moved || moved.changed > 0) ring.keeper.publish(moved?.ring ?? Ring.steady(owners), settleMs);
    ring.filledFor = filledFor;
    ring.rebuilds++;
    ring.remapped = moved ? moved.moved / ring.table : 0;
  }

  /** What `move` would do. Nothing changes. */
  async preview(
    ring: RingState,
    { members, numbers, living }: Ownership,
    settings: BalancerSettings,
    now: () => number,
  ): Promise<RingPreview> {
    const owners = await ownersOf(members, numbers, ring.table, settings.seed);
    const move = { now: now(), settleFor: settings.settleMs, lives: (n: number) => living.has(n) };
    const { moved, ring: after } = moveRing(ring.keeper.ring, owners, move);
    return { slots: ring.table, moved, settling: after.phases().settling };
  }

  /** What only time changes. */
  advance(now: number): void {
    for (const { keeper } of this.#rings.values()) {
      const { settling, pinned } = keeper.ring.phases();
      if (settling + pinned > 0) keeper.advance(now);
    }
  }
}

/** Rings that are needed, by name. */
export function ringsOf(spec: BalancerSpec): Map<string, { readonly pool: string; readonly table: number }> {
  return new Map(spec.services.map(({ pool, table }) => [ringName(pool, table), { pool, table }]));
}

/** Fills a ring in slices. @returns numbers of backends, by slot. */
export async function ownersOf(
  members: readonly Member[],
  numbers: readonly number[],
  size: number,
  seed: number,
): Promise<Uint32Array> {
  const filling = fillRing(members, size, seed);
  for (;;) {
    const step = filling.next();
    if (step.done) return Uint32Array.from(step.value, (owner) => (owner === NO_OWNER ? 0 : numbers[owner]!));
    await nextTurn();
  }
}
