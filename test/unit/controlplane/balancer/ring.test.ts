/** A ring goes over from one set of owners to another as a whole; the rules for a slot are tested in slot.test.ts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expireRing, moveRing, prolongRing, Ring, sweepRing } from '../../../../controlplane/balancer/ring.ts';
import { type Move, moveSlot, type Slot } from '../../../../controlplane/balancer/slot.ts';

const move: Move = { now: 0, settleFor: 100, lives: (backend) => backend !== 0 };
const slotsOf = (ring: Ring): Slot[] => Array.from({ length: ring.size }, (_, i) => ring.get(i));
const id = fc.integer({ min: 0, max: 3 });
const slot: fc.Arbitrary<Slot> = fc.oneof(
  fc.record({ phase: fc.constant('steady' as const), current: id }),
  fc.record({ phase: fc.constant('pinned' as const), current: id }),
  fc.record({
    phase: fc.constant('settling' as const),
    current: id,
    previous: fc.integer({ min: 1, max: 3 }),
    deadline: fc.integer({ min: 1, max: 200 }),
  }),
);
const rings = fc.array(slot, { minLength: 1, maxLength: 50 });

function ringOf(slots: readonly Slot[]): Ring {
  const ring = new Ring(slots.length);
  slots.forEach((each, i) => {
    ring.set(i, each);
  });
  return ring;
}

describe('Ring', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(rings, (slots) => {
        expect(slotsOf(ringOf(slots))).toEqual(slots);
      }),
    );
  });

  it('names every backend its slots lead to', () => {
    const ring = ringOf([
      { phase: 'steady', current: 1 },
      { phase: 'settling', current: 0, previous: 7, deadline: 1 },
      { phase: 'pinned', current: 9 },
    ]);
    expect(ring.backends()).toEqual(new Set([1, 7, 9]));
    expect(ring.phases()).toEqual({ settling: 1, pinned: 1 });
    expect(ring.lastDeadline()).toBe(1);
  });
});

describe('moveRing()', () => {
  it('does to each slot what moveSlot() says, counts it, and leaves the ring given alone', () => {
    fc.assert(
      fc.property(
        rings.chain((slots) =>
          fc.tuple(fc.constant(slots), fc.array(id, { minLength: slots.length, maxLength: slots.length })),
        ),
        ([slots, owners]) => {
          const ring = ringOf(slots);
          const result = moveRing(ring, owners, move);
          expect(slotsOf(result.ring)).toEqual(slots.map((each, i) => moveSlot(each, owners[i]!, move)));
          expect(result.moved).toBe(slots.filter((each, i) => each.current !== owners[i]).length);
          expect(slotsOf(ring)).toEqual(slots);
        },
      ),
    );
  });

  it('refuses another size', () => {
    expect(() => moveRing(new Ring(3), [1, 2], move)).toThrow(/2 owners for 3 slots/);
  });
});

describe('a ring in time', () => {
  it('settles, is prolonged, is pinned, and comes to rest', () => {
    const ring = moveRing(Ring.steady([1, 1, 2]), [2, 1, 2], move).ring;
    expect(prolongRing(ring, 150)).toEqual([0]);
    expect(expireRing(ring, 100)).toEqual([]);
    expect(expireRing(ring, 150)).toEqual([0]);
    expect(sweepRing(ring, [1, 0, 0])).toEqual([]);
    expect(sweepRing(ring, [0, 0, 0])).toEqual([0]);
    expect(slotsOf(ring)).toEqual(slotsOf(Ring.steady([2, 1, 2])));
  });
});
