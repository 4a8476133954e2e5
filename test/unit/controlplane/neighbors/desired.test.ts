import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  neighborOperations,
  OUR_PROTOCOL,
  type Wanted,
  type World,
  wantedNeighbors,
} from '../../../../controlplane/neighbors/desired.ts';
import type { NextHop } from '../../../../controlplane/neighbors/next-hops.ts';
import { type Neighbor, type NeighborState, neighborKey } from '../../../../controlplane/netlink/index.ts';

const bytes = (last: number): Uint8Array => Uint8Array.of(10, 0, 0, last);
const usableStates: ReadonlySet<NeighborState> = new Set([
  'reachable',
  'stale',
  'delay',
  'probe',
  'noarp',
  'permanent',
]);

function entry(last: number, state: NeighborState, more: Partial<Neighbor> = {}): Neighbor {
  const usable = usableStates.has(state);
  return {
    ifindex: 2,
    family: 4,
    bytes: bytes(last),
    mac: usable ? Uint8Array.of(2, 0, 0, 0, 0, last) : undefined,
    state,
    usable,
    flags: 0,
    externLearn: false,
    managed: false,
    router: false,
    protocol: undefined,
    ...more,
  };
}
const kept = { managed: true, externLearn: true, protocol: OUR_PROTOCOL };

function world(gateways: readonly number[], entries: readonly Neighbor[], more: Partial<World> = {}): World {
  const hops = gateways.map((last): NextHop => ({ ifindex: 2, bytes: bytes(last) }));
  return {
    gateways: new Map(hops.map((one) => [neighborKey(one), one])),
    neighbors: new Map(entries.map((one) => [neighborKey(one), one])),
    interfaces: new Set([2]),
    limit: 100,
    ...more,
  };
}
const uses = ({ neighbors }: Wanted): string[] => [...neighbors.values()].map((one) => `${one.bytes[3]} ${one.use}`);
const operations = (of: World): string[] =>
  neighborOperations(wantedNeighbors(of), of.neighbors).map(({ kind, neighbor }) => `${kind} ${neighbor.bytes[3]}`);

describe('neighbors to keep', () => {
  it('gateways, resolved or not; attached hosts once resolved', () => {
    const found = wantedNeighbors(world([1, 2], [entry(2, 'failed'), entry(3, 'stale'), entry(4, 'incomplete')]));
    expect(uses(found)).toEqual(['1 gateway', '2 gateway', '3 attached']);
  });

  it.each([
    ['permanent', entry(1, 'permanent')],
    ['noarp', entry(1, 'noarp')],
    ["another program's", entry(1, 'reachable', { externLearn: true, protocol: 186 })],
    ["an operator's own managed entry", entry(1, 'reachable', { managed: true })],
  ])('never one that is %s, be it a gateway', (_, neighbor) => {
    expect(operations(world([1], [neighbor]))).toEqual([]);
  });

  it('none on interfaces that are not ours, and no link-local hosts', () => {
    const linkLocal = { bytes: Uint8Array.of(0xfe, 0x80, ...Array<number>(13).fill(0), 1), family: 6 } as const;
    const stranger = { ifindex: 9 };
    expect(uses(wantedNeighbors(world([], [entry(1, 'stale', stranger), entry(2, 'stale', linkLocal)])))).toEqual([]);
    expect(uses(wantedNeighbors(world([1], [], { interfaces: new Set([9]) })))).toEqual([]);
  });

  it('what is kept already needs nothing; what is not is entered; what failed is let go unless it is a gateway', () => {
    expect(operations(world([1], [entry(1, 'reachable', kept), entry(2, 'stale', kept)]))).toEqual([]);
    expect(operations(world([1, 5], [entry(1, 'stale'), entry(2, 'stale')]))).toEqual(['keep 1', 'keep 5', 'keep 2']);
    expect(operations(world([1], [entry(1, 'failed', kept), entry(2, 'failed', kept)]))).toEqual(['release 2']);
    expect(operations(world([], [entry(2, 'incomplete', kept)]))).toEqual([]);
  });

  it('at the limit gateways come first, then attached hosts that are kept already', () => {
    const full = world([9], [entry(1, 'stale'), entry(2, 'stale', kept), entry(3, 'stale')], { limit: 2 });
    expect(uses(wantedNeighbors(full))).toEqual(['9 gateway', '2 attached']);
    expect(wantedNeighbors(full).surplus).toBe(2);
  });

  it('once all is done, nothing is left to do', () => {
    const state = fc.constantFrom<NeighborState>('reachable', 'stale', 'failed', 'incomplete', 'permanent', 'noarp');
    const ours = fc.boolean();
    const table = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), state, ours), {
      selector: ([last]) => last,
    });
    fc.assert(
      fc.property(
        table,
        fc.uniqueArray(fc.integer({ min: 1, max: 20 })),
        fc.integer({ min: 1, max: 25 }),
        (t, g, limit) => {
          const before = world(
            g,
            t.map(([last, s, mine]) => entry(last, s, mine ? kept : {})),
            { limit },
          );
          const after = new Map(before.neighbors);
          for (const { kind, key, neighbor } of neighborOperations(wantedNeighbors(before), before.neighbors)) {
            const found = after.get(key);
            expect(found?.state ?? '').not.toMatch(/permanent|noarp/);
            if (kind === 'release') after.delete(key);
            else after.set(key, { ...(found ?? entry(neighbor.bytes[3]!, 'incomplete')), ...kept });
          }
          const done = { ...before, neighbors: after };
          expect(operations(done)).toEqual([]);
        },
      ),
    );
  });
});
