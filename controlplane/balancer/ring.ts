/**
 * A ring as the control plane holds it: the state of every slot, in arrays, because there are tens of thousands.
 *
 * `moveRing` is pure: it makes the ring that is to follow, which is written aside and made visible whole. What happens
 * to one slot is for slot.ts to say; here it is only done for all of them.
 */
import { type BackendId, expireSlot, type Move, moveSlot, prolongSlot, type Slot, sweepSlot } from './slot.ts';

const STEADY = 0;
const SETTLING = 1;
const PINNED = 2;

/** How many slots are in motion. */
export interface RingPhases {
  readonly settling: number;
  readonly pinned: number;
}

export class Ring {
  readonly size: number;
  readonly #phase: Uint8Array;
  readonly #current: Uint32Array;
  readonly #previous: Uint32Array;
  readonly #deadline: Float64Array;

  /** All slots steady and nobody's. */
  constructor(size: number) {
    this.size = size;
    this.#phase = new Uint8Array(size);
    this.#current = new Uint32Array(size);
    this.#previous = new Uint32Array(size);
    this.#deadline = new Float64Array(size);
  }

  /** All slots steady, owned as given: the first ring of a pool. */
  static steady(owners: ArrayLike<BackendId>): Ring {
    const ring = new Ring(owners.length);
    ring.#current.set(owners);
    return ring;
  }

  copy(): Ring {
    const ring = new Ring(this.size);
    ring.#phase.set(this.#phase);
    ring.#current.set(this.#current);
    ring.#previous.set(this.#previous);
    ring.#deadline.set(this.#deadline);
    return ring;
  }

  get(index: number): Slot {
    const current = this.#current[index]!;
    switch (this.#phase[index]) {
      case SETTLING:
        return { phase: 'settling', current, previous: this.#previous[index]!, deadline: this.#deadline[index]! };
      case PINNED:
        return { phase: 'pinned', current };
      default:
        return { phase: 'steady', current };
    }
  }

  set(index: number, slot: Slot): void {
    this.#phase[index] = slot.phase === 'steady' ? STEADY : slot.phase === 'settling' ? SETTLING : PINNED;
    this.#current[index] = slot.current;
    this.#previous[index] = slot.phase === 'settling' ? slot.previous : 0;
    this.#deadline[index] = slot.phase === 'settling' ? slot.deadline : 0;
  }

  ownerOf(index: number): BackendId {
    return this.#current[index]!;
  }

  /** Owners of all slots. Not to be written. */
  get owners(): Uint32Array {
    return this.#current;
  }

  isSteady(index: number): boolean {
    return this.#phase[index] === STEADY;
  }

  phases(): RingPhases {
    let settling = 0;
    let pinned = 0;
    // By index: this is asked of millions of slots, and iterators take ten times as long.
    const phases = this.#phase;
    for (let i = 0; i < phases.length; i++) {
      const phase = phases[i]!;
      if (phase === STEADY) continue;
      if (phase === SETTLING) settling++;
      else pinned++;
    }
    return { settling, pinned };
  }

  /** Every backend packets may still be sent to by the ring itself (entries of the table not counted). */
  backends(): Set<BackendId> {
    const named = new Set<BackendId>();
    for (let i = 0; i < this.size; i++) {
      named.add(this.#current[i]!);
      if (this.#phase[i] === SETTLING) named.add(this.#previous[i]!);
    }
    named.delete(0);
    return named;
  }

  /** The latest end of settling; undefined when nothing settles. */
  lastDeadline(): number | undefined {
    let latest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.size; i++) if (this.#phase[i] === SETTLING) latest = Math.max(latest, this.#deadline[i]!);
    return latest === Number.NEGATIVE_INFINITY ? undefined : latest;
  }
}

export interface RingMove {
  readonly ring: Ring;
  /** Slots whose owner is another than before. */
  readonly moved: number;
  /** Slots that changed in any way. */
  readonly changed: number;
}

/** The ring after its slots have gone over to `owners`, one for each slot. `ring` stays as it is. */
export function moveRing(ring: Ring, owners: ArrayLike<BackendId>, move: Move): RingMove {
  if (owners.length !== ring.size)
    throw new RangeError(`move ring: ${owners.length} owners for ${ring.size} slots; the size of a ring never changes`);
  const next = ring.copy();
  let moved = 0;
  let changed = 0;
  for (let i = 0; i < ring.size; i++) {
    const owner = owners[i]!;
    if (ring.isSteady(i) && ring.ownerOf(i) === owner) continue;
    const before = ring.get(i);
    const after = moveSlot(before, owner, move);
    if (before.current !== owner) moved++;
    if (same(before, after)) continue;
    changed++;
    next.set(i, after);
  }
  return { ring: next, moved, changed };
}

/** What time alone does. @returns the slots that changed, already written to `ring`. */
export function expireRing(ring: Ring, now: number): number[] {
  return update(ring, (slot) => expireSlot(slot, now));
}

/** Settling slots go on at least until `deadline`. @returns the slots that changed, already written to `ring`. */
export function prolongRing(ring: Ring, deadline: number): number[] {
  return update(ring, (slot) => prolongSlot(slot, deadline));
}

/**
 * Pinned slots without entries become steady.
 * @param entries entries of the table by slot, counted after the slots were pinned
 * @returns the slots that changed, already written to `ring`.
 */
export function sweepRing(ring: Ring, entries: ArrayLike<number>): number[] {
  return update(ring, (slot, index) => sweepSlot(slot, entries[index] ?? 0));
}

function update(ring: Ring, rule: (slot: Slot, index: number) => Slot): number[] {
  const changed: number[] = [];
  for (let i = 0; i < ring.size; i++) {
    if (ring.isSteady(i)) continue;
    const before = ring.get(i);
    const after = rule(before, i);
    if (same(before, after)) continue;
    ring.set(i, after);
    changed.push(i);
  }
  return changed;
}

function same(a: Slot, b: Slot): boolean {
  return (
    a.phase === b.phase &&
    a.current === b.current &&
    (a.phase !== 'settling' || (b.phase === 'settling' && a.previous === b.previous && a.deadline === b.deadline))
  );
}
