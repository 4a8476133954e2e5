/** The laws of a ring: shares follow weights, a change moves little, and everybody builds the same one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashText, mix } from '../../../../controlplane/balancer/hash.ts';
import {
  buildRing,
  fillRing,
  type Member,
  NO_OWNER,
  ringSizes,
  sharesOf,
} from '../../../../controlplane/balancer/maglev.ts';

const evenly = (count: number): Member[] => Array.from({ length: count }, (_, i) => ({ name: `b${i}`, weight: 1 }));
const namesOf = (members: readonly Member[], owners: Uint16Array): string[] =>
  [...owners].map((owner) => members[owner]?.name ?? '');

const sizes = fc.constantFrom(1021, 4093, 16381);
/** Up to a hundred members of different weights, at least a hundred slots for each of the lightest. */
const pools = (size: number) =>
  fc
    .uniqueArray(
      fc.record({ name: fc.string({ minLength: 1, maxLength: 12 }), weight: fc.integer({ min: 1, max: 10 }) }),
      {
        minLength: 1,
        maxLength: Math.floor(size / 100),
        selector: ({ name }) => name,
      },
    )
    .map((members): Member[] => members);
const cases = sizes.chain((size) => fc.record({ size: fc.constant(size), members: pools(size), seed: fc.nat() }));

/** Slots that changed hands although neither the owner before nor the one after is `concerned`. */
function needlessly(before: readonly string[], after: readonly string[], concerned: string): number {
  return before.filter((name, i) => name !== after[i] && name !== concerned && after[i] !== concerned).length;
}

describe('ringSizes', () => {
  it('are primes', () => {
    for (const size of ringSizes)
      for (let divisor = 2; divisor * divisor <= size; divisor++) expect(size % divisor).not.toBe(0);
  });
});

describe('buildRing()', () => {
  it('gives each member slots by its weight, to three slots', () => {
    fc.assert(
      fc.property(cases, ({ size, members, seed }) => {
        const shares = sharesOf(buildRing(members, size, seed), members.length);
        const total = members.reduce((sum, { weight }) => sum + weight, 0);
        members.forEach(({ weight }, i) => {
          expect(Math.abs(shares[i]! - (size * weight) / total)).toBeLessThanOrEqual(3);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order of its members', () => {
    fc.assert(
      fc.property(
        cases.chain((given) =>
          fc.record({
            given: fc.constant(given),
            shuffled: fc.shuffledSubarray(given.members, { minLength: given.members.length }),
          }),
        ),
        ({ given: { size, members, seed }, shuffled }) => {
          expect(namesOf(shuffled, buildRing(shuffled, size, seed))).toEqual(
            namesOf(members, buildRing(members, size, seed)),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is the same in slices and at once', () => {
    const members = evenly(100);
    const filling = fillRing(members, 16381, 7, 1000);
    let slices = 1;
    let step = filling.next();
    for (; !step.done; step = filling.next()) slices++;
    expect(slices).toBeGreaterThan(10);
    expect(step.value).toEqual(buildRing(members, 16381, 7));
  });

  it('gives members without weight nothing, and nobody a ring of none', () => {
    const members = [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 0 },
    ];
    expect([...sharesOf(buildRing(members, 251, 0), 2)]).toEqual([251, 0]);
    expect(new Set(buildRing([{ name: 'b', weight: 0 }], 251, 0))).toEqual(new Set([NO_OWNER]));
  });

  it('depends on the seed', () => {
    const members = evenly(10);
    const other = buildRing(members, 4093, 2);
    const same = buildRing(members, 4093, 1).filter((owner, i) => owner === other[i]).length;
    expect(same).toBeLessThan(4093 / 5);
  });

  it('refuses more members than slots', () => {
    expect(() => buildRing(evenly(252), 251, 0)).toThrow(/252 members for 251 slots/);
  });

  it('moves the slots of a member that goes, and few others, for any number of members', () => {
    for (const count of [2, 3, 4, 5, 8, 13, 21, 34, 55, 89, 144]) {
      const members = evenly(count);
      const before = namesOf(members, buildRing(members, 16381, 1));
      for (const gone of [0, count >> 1, count - 1]) {
        const rest = members.filter((_, i) => i !== gone);
        const after = namesOf(rest, buildRing(rest, 16381, 1));
        expect(needlessly(before, after, members[gone]!.name) / 16381).toBeLessThan(0.025);
        // The same both ways: what is lost when it goes comes back when it comes.
        expect(after.filter((name, i) => name !== before[i]).length / 16381).toBeLessThan(1 / count + 0.025);
      }
    }
  });

  it('moves little beyond the ideal when a weight changes, for any number of members', () => {
    for (const count of [2, 3, 5, 10, 20, 40, 100]) {
      let beyond = 0;
      for (let round = 0; round < 12; round++) {
        const random = (below: number, salt: number): number => mix(count * 1000 + round * 100 + salt) % below;
        const members = Array.from({ length: count }, (_, i) => ({
          name: `r${round}-${i}`,
          weight: 1 + random(10, i),
        }));
        const chosen = random(count, -1);
        const changed = members.map((member, i) => (i === chosen ? { ...member, weight: random(12, -2) } : member));
        const [before, after] = [members, changed].map((list) => namesOf(list, buildRing(list, 16381, round)));
        const share = (list: readonly Member[]): number =>
          list[chosen]!.weight / list.reduce((sum, { weight }) => sum + weight, 0);
        const ideal = Math.abs(share(changed) - share(members));
        const extra = before!.filter((name, i) => name !== after![i]).length / 16381 - ideal;
        expect(extra).toBeLessThan(0.05);
        beyond += extra / 12;
      }
      expect(beyond).toBeLessThan(0.02);
    }
  });

  it('sends a million random flows to the same backends on two nodes, by their shares', () => {
    const members = Array.from({ length: 12 }, (_, i) => ({ name: `web${i}`, weight: 1 + (i % 3) }));
    const one = buildRing(members, 65537, 42);
    const other = [...members].reverse();
    const two = buildRing(other, 65537, 42);
    const counts = new Map<string, number>();
    let differ = 0;
    for (let flow = 0; flow < 1_000_000; flow++) {
      const slot = mix(flow) % 65537;
      const name = members[one[slot]!]!.name;
      if (name !== other[two[slot]!]!.name) differ++;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(differ).toBe(0);
    const total = members.reduce((sum, { weight }) => sum + weight, 0);
    const chiSquare = members.reduce((sum, { name, weight }) => {
      const expected = (1_000_000 * weight) / total;
      return sum + ((counts.get(name) ?? 0) - expected) ** 2 / expected;
    }, 0);
    // 11 degrees of freedom: 31.3 is exceeded by chance once in a thousand, and the hash is fixed.
    expect(chiSquare).toBeLessThan(31.3);
  });
});

describe('hashText()', () => {
  it('is what it was: nodes of different versions must agree', () => {
    expect([hashText('web1', 0), hashText('web1', 1), hashText('', 0)]).toMatchInlineSnapshot(`
      [
        1950038314,
        3375010423,
        2872998923,
      ]
    `);
  });
});
