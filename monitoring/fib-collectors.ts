/** The values of the metrics about route look-ups. */
import type { CounterRow } from '../controlplane/dataplane/index.ts';
import type { FamilyState, MirrorState } from '../controlplane/routing/mirror/index.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';

export interface FibSource {
  readonly mode: 'helper' | 'mirror';
  readonly workerDeaths: number;
  /** Undefined while there is no mirror, or none yet. */
  readonly state: MirrorState | undefined;
  readonly counters: readonly CounterRow[];
}

export function fibCollectors(read: () => FibSource): Collectors {
  const one = (value: number, labels: Sample['labels'] = {}): Sample[] => [{ labels, value }];
  const state = (pick: (state: MirrorState) => Sample[]) => (): Sample[] => {
    const found = read().state;
    return found ? pick(found) : [];
  };
  const families = (pick: (family: FamilyState) => number) =>
    state(({ ipv4, ipv6 }) => [...one(pick(ipv4), { family: 'ipv4' }), ...one(pick(ipv6), { family: 'ipv6' })]);
  return {
    fibMode: () => (['helper', 'mirror'] as const).flatMap((mode) => one(Number(read().mode === mode), { mode })),
    fibLookups: () => {
      const sum = (reason: string): number =>
        read()
          .counters.filter((row) => row.reason === reason)
          .reduce((total, { packets }) => total + Number(packets), 0);
      return [...one(sum('forwarded'), { by: 'helper' }), ...one(sum('forwarded_mirror'), { by: 'mirror' })];
    },
    mirrorValid: () => {
      const { ipv4, ipv6 } = read().state ?? {};
      return [
        ...one(Number(ipv4?.valid ?? false), { family: 'ipv4' }),
        ...one(Number(ipv6?.valid ?? false), { family: 'ipv6' }),
      ];
    },
    mirrorRoutes: families(({ routes }) => routes.routes),
    mirrorPrefixes: families(({ table }) => table.prefixes),
    mirrorGroups: state(({ ipv4, ipv6 }) =>
      Object.entries({ ipv4, ipv6 }).flatMap(([family, { table }]) => [
        ...one(table.groupsUsed, { family, state: 'used' }),
        ...one(table.groupsWaiting, { family, state: 'waiting' }),
        ...one(table.groupsCapacity - table.groupsUsed - table.groupsWaiting, { family, state: 'free' }),
      ]),
    ),
    mirrorLists: state(({ ipv6: { table } }) => [
      ...one(table.listsUsed, { state: 'used' }),
      ...one(table.listsWaiting, { state: 'waiting' }),
      ...one(table.listsCapacity - table.listsUsed - table.listsWaiting, { state: 'free' }),
    ]),
    mirrorCrowded: families(({ table }) => table.crowdedSlots),
    mirrorNextHops: state(({ nextHops: { used, capacity } }) => [
      ...one(used, { state: 'used' }),
      ...one(capacity - used, { state: 'free' }),
    ]),
    mirrorBytes: state(({ tableBytes, workerBytes }) => [
      ...one(tableBytes, { kind: 'tables' }),
      ...one(workerBytes, { kind: 'worker' }),
    ]),
    mirrorResyncs: state(({ resyncs }) =>
      ['start', 'overrun', 'difference', 'request'].flatMap((cause) => one(resyncs[cause] ?? 0, { cause })),
    ),
    mirrorLagged: state(({ lagged }) => one(lagged)),
    mirrorLag: state(({ lagMs }) => one(lagMs / 1000)),
    mirrorEvents: state(({ events }) => one(events)),
    mirrorSamples: state(({ sampler: { compared, races, differences, skipped } }) => [
      ...one(compared - races - differences, { result: 'same' }),
      ...one(races, { result: 'race' }),
      ...one(differences, { result: 'difference' }),
      ...one(skipped, { result: 'skipped' }),
    ]),
    mirrorWorkerDeaths: () => one(read().workerDeaths),
  };
}
