/** Values of the balancer's metrics. Where no service is configured there are none. */

import type { BackendStatus } from '../controlplane/balancer/backend-status.ts';
import { backendStates } from '../controlplane/balancer/backend-view.ts';
import type { BalanceMemory } from '../controlplane/balancer/balance-memory.ts';
import type { Balancer } from '../controlplane/balancer/balancer.ts';
import { sharesByBackend, trafficByService } from '../controlplane/balancer/report.ts';
import type { RingState } from '../controlplane/balancer/ring-set.ts';
import { readEvents, readTrafficColumns, type Traffic, type TrafficColumns } from '../controlplane/balancer/traffic.ts';
import type { Collectors, Steady } from './collector.ts';
import type { Sample } from './counter-samples.ts';
import { Labels } from './text-format.ts';

export interface RunningBalancer {
  readonly balancer: Balancer;
  readonly memory: BalanceMemory;
}

export function balancerCollectors(running: () => RunningBalancer | undefined): Collectors {
  const all = (collect: (balancer: Balancer, memory: BalanceMemory) => Iterable<Sample>) => (): Iterable<Sample> => {
    const { balancer, memory } = running() ?? {};
    return balancer && memory ? collect(balancer, memory) : [];
  };
  /** What changes only when the balancer says something else of a backend, which is then another object. */
  const steady = (samples: (status: BackendStatus) => Iterable<Sample>) => () =>
    steadily(running()?.balancer.statuses() ?? [], samples);
  const services = (value: (traffic: Traffic) => bigint) =>
    all((balancer, memory) =>
      [...trafficByService(balancer, memory)].map(([service, traffic]) => ({
        labels: { service },
        value: Number(value(traffic)),
      })),
    );
  const backends = (value: (status: BackendStatus) => number) =>
    steady((status) => [{ labels: named(status), value: value(status) }]);
  // The three counters of a backend come from one reading: packets are asked for first.
  let reading: TrafficColumns | undefined;
  const counted = (column: keyof TrafficColumns) =>
    all(function* (balancer, memory) {
      const statuses = balancer.statuses();
      if (column === 'packets' || !reading) {
        const limit = statuses.reduce((most, { number }) => Math.max(most, number), 0) + 1;
        reading = readTrafficColumns(memory.maps.lbBackendTraffic, limit);
      }
      const values = reading[column];
      for (const status of statuses) yield { labels: labelsOf(status), value: values[status.number] ?? 0 };
    });
  const rings = (value: (ring: RingState) => number) =>
    all((balancer) => balancer.rings().map((ring) => ({ labels: sized(ring), value: value(ring) })));
  const states = (value: (state: ReturnType<Balancer['list']>[number]) => number) =>
    all((balancer) => balancer.list().map((state) => ({ labels: { service: state.name }, value: value(state) })));

  return {
    serviceInfo: all((balancer) =>
      balancer.spec.services.flatMap(({ name, pool, mode, frontends }) =>
        frontends.map(({ vip, protocol, fromPort, toPort }) => ({
          labels: {
            service: name,
            vip,
            protocol,
            port: fromPort === 0 ? 'any' : fromPort === toPort ? String(fromPort) : `${fromPort}-${toPort}`,
            mode,
            pool,
          },
          value: 1,
        })),
      ),
    ),
    backendInfo: steady((status) => [{ labels: { ...named(status), address: status.spec.address }, value: 1 }]),
    servicePackets: services(({ packets }) => packets),
    serviceBytes: services(({ bytes }) => bytes),
    serviceConnections: services(({ flows }) => flows),
    serviceUp: states(({ up }) => Number(up)),
    serviceReady: states(({ ready }) => Number(ready)),
    serviceQuorum: states(({ ratio }) => ratio),
    serviceBackends: all((balancer) => {
      const counts = new Map<string, number>();
      for (const { pool, view } of balancer.statuses()) {
        const key = `${pool} ${view.state}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      return balancer.spec.services.flatMap(({ name, pool }) =>
        backendStates.map((state) => ({
          labels: { service: name, state },
          value: counts.get(`${pool} ${state}`) ?? 0,
        })),
      );
    }),
    backendPackets: counted('packets'),
    backendBytes: counted('bytes'),
    backendConnections: counted('flows'),
    backendState: steady((status) =>
      backendStates.map((state) => ({
        labels: { ...named(status), state },
        value: Number(status.view.state === state),
      })),
    ),
    backendStateChanges: steady((status) =>
      backendStates.map((to) => ({ labels: { ...named(status), to }, value: status.changes.get(to) ?? 0 })),
    ),
    backendLastChange: backends(({ changedAt }) => changedAt / 1000),
    backendWeight: backends(({ spec }) => spec.weight),
    backendShare: all(function* (balancer) {
      const shares = sharesByBackend(balancer);
      for (const status of balancer.statuses())
        yield { labels: labelsOf(status), value: shares.get(status.number) ?? 0 };
    }),
    backendReachable: backends(({ unreachable }) => Number(unreachable === '')),
    backendRemembered: all(function* (balancer) {
      const { sweeper } = balancer;
      for (const status of balancer.statuses())
        yield { labels: labelsOf(status), value: sweeper.rememberedFor(status.number) };
    }),
    ringSlots: all((balancer) =>
      balancer.rings().flatMap((ring) => {
        const { settling, pinned } = ring.keeper.ring.phases();
        return Object.entries({ steady: ring.table - settling - pinned, settling, pinned }).map(([phase, value]) => ({
          labels: { ...sized(ring), phase },
          value,
        }));
      }),
    ),
    ringRebuilds: rings(({ rebuilds }) => rebuilds),
    ringRemapped: rings(({ remapped }) => remapped),
    connectionEntries: all((balancer) => [{ labels: {}, value: balancer.sweeper.entries }]),
    connectionMax: all((_, memory) => [{ labels: {}, value: memory.maps.lbFlows.maxEntries }]),
    balancerEvents: all((_, memory) =>
      [...readEvents(memory.maps.lbEvents)].map(([event, value]) => ({ labels: { event }, value: Number(value) })),
    ),
    balancerSlots: all((balancer) => {
      const { used, size } = balancer.arena;
      return [
        { labels: { state: 'used' }, value: used },
        { labels: { state: 'free' }, value: size - used },
      ];
    }),
  };
}

function* steadily(
  statuses: readonly BackendStatus[],
  samples: (status: BackendStatus) => Iterable<Sample>,
): Iterable<Steady> {
  for (const status of statuses) yield { while: status, samples: () => samples(status) };
}

function named({ pool, spec }: BackendStatus) {
  return { pool, backend: spec.name };
}

const labels = new WeakMap<BackendStatus, Labels>();

/** The same, written once for as long as the balancer says the same of the backend. */
function labelsOf(status: BackendStatus): Labels {
  let found = labels.get(status);
  if (!found) {
    found = new Labels(named(status));
    labels.set(status, found);
  }
  return found;
}

function sized({ pool, table }: RingState) {
  return { pool, size: String(table) };
}
