/** Values of the metrics about translated connections. */
import type { NatSweeper } from '../controlplane/balancer/nat/sweeper.ts';
import { type NatMaps, natMapsOf } from '../controlplane/balancer/nat/tables.ts';
import { natEventNames } from '../controlplane/bpf/generated/headrace.ts';
import type { RunningBalancer } from './balancer-collectors.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';

export function natCollectors(running: () => RunningBalancer | undefined): Collectors {
  const all = (collect: (nat: NatSweeper, maps: NatMaps) => Iterable<Sample>) => (): Iterable<Sample> => {
    const { balancer, memory } = running() ?? {};
    const maps = memory && natMapsOf(memory.maps);
    return balancer && maps ? collect(balancer.nat, maps) : [];
  };
  return {
    natConnections: all((nat) =>
      Object.entries(nat.connections).map(([state, value]) => ({ labels: { state }, value })),
    ),
    natEntries: all(({ census }) =>
      (['flows', 'opening'] as const).map((table) => ({ labels: { table }, value: census?.entries[table] ?? 0 })),
    ),
    natMaxEntries: all((_, { natFlows, natOpening }) => [
      { labels: { table: 'flows' }, value: natFlows.maxEntries },
      { labels: { table: 'opening' }, value: natOpening.maxEntries },
    ]),
    natEvents: all((_, { natEvents }) =>
      natEventNames.map((event, number) => ({
        labels: { event },
        value: Number((natEvents.getPerCpu(number) ?? []).reduce((sum, count) => sum + count, 0n)),
      })),
    ),
    natSweeps: all(({ sweeps }) => [{ labels: {}, value: sweeps }]),
    natSwept: all(({ removed }) => [{ labels: {}, value: removed }]),
  };
}
