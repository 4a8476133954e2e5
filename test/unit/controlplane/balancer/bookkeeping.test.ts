/** Who has which number, which lines of the arena, and what is said of a backend: small rules with large consequences. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../../../../controlplane/balancer/backend-view.ts';
import { type FlowTable, sweepFlows } from '../../../../controlplane/balancer/flow-sweep.ts';
import type { BackendSpec } from '../../../../controlplane/balancer/model.ts';
import { NumberRegistry } from '../../../../controlplane/balancer/number-registry.ts';
import { RegionPool } from '../../../../controlplane/balancer/region-pool.ts';
import { portBlocks } from '../../../../controlplane/balancer/service-records.ts';
import { upByQuorum } from '../../../../controlplane/balancer/service-state.ts';
import { lbFlowCodec, lbFlowFlag, lbFlowKeyCodec } from '../../../../controlplane/bpf/generated/headrace.ts';

describe('NumberRegistry', () => {
  it('never hands out a number that a walk has not cleared', () => {
    const step = fc.record({ take: fc.boolean(), name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), walk: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let registry = new NumberRegistry('things', 8);
        // What entries of the table may still name, by number.
        const named = new Map<number, string>();
        for (const { take, name, walk } of steps) {
          if (take) {
            try {
              const { number } = registry.take(name);
              expect(named.get(number) ?? name).toBe(name);
              named.set(number, name);
            } catch (error) {
              expect((error as { code?: string }).code).toBe('CAPACITY');
            }
          } else registry.retire(name);
          if (walk) {
            const before = registry.retiredNumbers();
            const met = new Set([...named.keys()].filter((number) => number % 2 === 0));
            registry.release(before, met);
            for (const number of before) if (!met.has(number)) named.delete(number);
          }
          registry = new NumberRegistry('things', 8, JSON.parse(JSON.stringify(registry)));
        }
        const numbers = [...registry.entries()].map(([, number]) => number);
        expect(new Set(numbers).size).toBe(numbers.length);
      }),
    );
  });

  it('gives a name that comes back its old number', () => {
    const registry = new NumberRegistry('things', 8);
    const { number } = registry.take('a');
    registry.retire('a');
    expect(registry.take('b').number).not.toBe(number);
    expect(registry.take('a')).toEqual({ number, fresh: false });
  });
});

describe('RegionPool', () => {
  it('never has a line in two places, and gets all of them back', () => {
    const step = fc.record({ count: fc.integer({ min: 1, max: 30 }), give: fc.nat(20), wait: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let now = 0;
        const pool = new RegionPool(100, { mark: () => now, passed: (mark) => now > mark });
        const taken: { first: number; count: number }[] = [];
        for (const { count, give, wait } of steps) {
          const first = pool.take(count);
          if (first >= 0) {
            expect(taken.every((run) => run.first + run.count <= first || first + count <= run.first)).toBe(true);
            expect(first + count).toBeLessThanOrEqual(100);
            taken.push({ first, count });
          }
          const [back] = taken.splice(give, 1);
          if (back) pool.give(back.first, back.count);
          if (wait) now++;
        }
        for (const { first, count } of taken) pool.give(first, count);
        now++;
        expect(pool.used).toBe(0);
        expect(pool.take(100)).toBe(0);
      }),
    );
  });

  it('says beforehand what it will hold, and waits no longer than for readers', async () => {
    let now = 0;
    const pool = new RegionPool(100, { mark: () => now, passed: (mark) => now > mark });
    const [a, b] = [pool.take(40), pool.take(40)];
    expect([pool.holds([20]), pool.holds([21]), pool.holds([10, 10])]).toEqual([true, false, true]);
    pool.give(a, 40);
    expect([pool.longest, pool.holds([40, 20]), pool.holds([60])]).toEqual([20, true, false]);
    const waited = pool.wait(40);
    now++;
    await waited;
    expect(pool.take(40)).toBe(a);
    await pool.wait(41);
    expect([pool.longest, b]).toEqual([20, 40]);
  });

  it('reserves what a former daemon left, once', () => {
    const pool = new RegionPool(100, { mark: () => 0, passed: () => true });
    expect([pool.reserve(10, 20), pool.reserve(29, 2), pool.reserve(90, 11)]).toEqual([true, false, false]);
    expect(pool.take(20)).toBe(30);
    expect(pool.take(10)).toBe(0);
  });
});

describe('portBlocks()', () => {
  it('covers a range exactly, in aligned blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 0, max: 65534 }), (from, more) => {
        const to = Math.min(65535, from + more);
        const blocks = portBlocks(from, to);
        let next = from;
        for (const { port, bits } of blocks) {
          const size = 2 ** (16 - bits);
          expect([port, port % size]).toEqual([next, 0]);
          next += size;
        }
        expect(next).toBe(to + 1);
        expect(blocks.length).toBeLessThanOrEqual(30);
      }),
    );
  });
});

describe('upByQuorum()', () => {
  it.each<[boolean, number, boolean]>([
    [false, 0.4, false],
    [false, 0.5, true],
    [true, 0.4, true],
    [true, 0.24, false],
    [true, 0, false],
  ])('was %s, %s of the weight: %s', (was, ratio, up) => {
    expect(upByQuorum(was, ratio, { up: 0.5, down: 0.25 })).toBe(up);
  });
});

describe('judge()', () => {
  const spec: BackendSpec = { name: 'a', address: '10.0.0.1', weight: 100, state: 'active', port: 0, guePort: 6080 };
  const now = { override: undefined, verdict: 'up', lived: true, drainingForMs: 0 } as const;
  it.each([
    ['active', spec, now, 'active', 100, true],
    ['weight 0 is not down', { ...spec, weight: 0 }, now, 'active', 0, true],
    ['failing checks', spec, { ...now, verdict: 'down' }, 'down', 0, false],
    ['never checked, and new', spec, { ...now, verdict: 'unknown', lived: false }, 'down', 0, false],
    ['not checked yet, and there before', spec, { ...now, verdict: 'unknown' }, 'active', 100, true],
    ['draining by the file', { ...spec, state: 'draining' }, now, 'draining', 0, true],
    [
      '… whose time is over',
      { ...spec, state: 'draining', drainMs: 5 },
      { ...now, drainingForMs: 5 },
      'maintenance',
      0,
      false,
    ],
    ['draining by an operator', spec, { ...now, override: { state: 'draining', leftMs: 1 } }, 'draining', 0, true],
    ['… whose time is over', spec, { ...now, override: { state: 'draining', leftMs: 0 } }, 'maintenance', 0, false],
    ['draining and dead', spec, { ...now, verdict: 'down', override: { state: 'draining' } }, 'down', 0, false],
    ['maintenance', spec, { ...now, override: { state: 'maintenance' } }, 'maintenance', 0, false],
  ] as const)('%s', (_, backend, circumstances, state, ringWeight, lives) => {
    expect(judge(backend, circumstances)).toMatchObject({ state, ringWeight, lives });
  });
});

describe('sweepFlows()', () => {
  interface Flow {
    readonly seenMs: number;
    readonly backend: number;
    readonly slot: number;
    readonly closing?: boolean;
  }
  /** A table of these flows, in batches of two; the first byte of a key is its number. */
  const tableOf = (flows: readonly Flow[], deleted: number[]): FlowTable => ({
    *rawBatches() {
      for (let first = 0; first < flows.length; first += 2) {
        const some = flows.slice(first, first + 2);
        const keys = new Uint8Array(some.length * lbFlowKeyCodec.size);
        const values = new DataView(new ArrayBuffer(some.length * lbFlowCodec.size));
        some.forEach(({ seenMs, backend, slot, closing }, i) => {
          keys[i * lbFlowKeyCodec.size] = first + i;
          const flags = closing ? lbFlowFlag.CLOSING : 0;
          const value = { seen: BigInt(seenMs) * 1_000_000n, ring: 1, slot, backend, flags, service: 3 };
          lbFlowCodec.write(values, i * lbFlowCodec.size, value);
        });
        yield { count: some.length, keys, values };
      }
    },
    deleteRaw: (key) => {
      deleted.push(key[0]!);
      return true;
    },
  });

  it('keeps who must be remembered, and nobody else', () => {
    const flows: Flow[] = [
      { seenMs: 99_000, backend: 1, slot: 5 }, // in a settling slot
      { seenMs: 10_000, backend: 1, slot: 5 }, // silent for too long
      { seenMs: 30_000, backend: 1, slot: 5, closing: true }, // closed a while ago
      { seenMs: 99_000, backend: 1, slot: 5, closing: true }, // just closed
      { seenMs: 99_000, backend: 9, slot: 5 }, // of a dead backend
      { seenMs: 99_000, backend: 2, slot: 7 }, // a pinned slot sends it there anyway
      { seenMs: 99_000, backend: 1, slot: 7 }, // and this one not
    ];
    const deleted: number[] = [];
    const rules = {
      lives: (backend: number) => backend !== 9,
      pinnedTo: (_: number, slot: number) => (slot === 7 ? 2 : undefined),
      idleMs: 80_000,
    };
    const walk = sweepFlows(tableOf(flows, deleted), rules, () => 100_000);
    let step = walk.next();
    while (!step.done) step = walk.next();
    expect(deleted).toEqual([1, 2, 4, 5]);
    expect(step.value).toMatchObject({ entries: 3, removed: 4, byBackend: new Map([[1, 3]]), services: new Set([3]) });
    expect(step.value.bySlot.get(1)).toEqual(
      new Map([
        [5, 2],
        [7, 1],
      ]),
    );
  });
});
