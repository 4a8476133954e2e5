/** Values of the balancer's metrics. Where no service is configured there are none. */

import type { BackendStatus } from '../controlplane/balancer/backend-status.ts';
import { type BackendState, backendStates } from '../controlplane/balancer/backend-view.ts';
import type { BalanceMemory } from '../controlplane/balancer/balance-memory.ts';
import type { Balancer } from '../controlplane/balancer/balancer.ts';
import { sharesByBackend, trafficByService } from '../controlplane/balancer/report.ts';
import type { RingState } from '../controlplane/balancer/ring-set.ts';
import {
  backendTraffic,
  readEvents,
  readTrafficColumns,
  type Traffic,
  type TrafficColumns,
} from '../controlplane/balancer/traffic.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';
import { type Column, KeptTable } from './table.ts';

export interface RunningBalancer {
  readonly balancer: Balancer;
  readonly memory: BalanceMemory;
}

export function balancerCollectors(running: () => RunningBalancer | undefined): Collectors {
  const all = (collect: (balancer: Balancer, memory: BalanceMemory) => Iterable<Sample>) => (): Iterable<Sample> => {
    const { balancer, memory } = running() ?? {};
    return balancer && memory ? collect(balancer, memory) : [];
  };
  const services = (value: (traffic: Traffic) => bigint) =>
    all((balancer, memory) =>
      [...trafficByService(balancer, memory)].map(([service, traffic]) => ({
        labels: { service },
        value: Number(value(traffic)),
      })),
    );
  const table = new KeptTable<BackendStatus>(
    (a, b) => a === b || (a.spec.name === b.spec.name && a.pool === b.pool),
    ({ pool, spec }) => ({ pool, backend: spec.name }),
  );
  const addresses = new KeptTable<BackendStatus>(
    (a, b) => a === b || (a.spec.name === b.spec.name && a.pool === b.pool && a.spec.address === b.spec.address),
    ({ pool, spec }) => ({ pool, backend: spec.name, address: spec.address }),
  );
  const columns =
    (collect: (statuses: readonly BackendStatus[], balancer: Balancer, memory: BalanceMemory) => Column) =>
    (): Column[] => {
      const { balancer, memory } = running() ?? {};
      return balancer && memory ? [collect(balancer.statuses(), balancer, memory)] : [];
    };
  const each = (value: (status: BackendStatus, balancer: Balancer) => number) =>
    columns((statuses, balancer) =>
      table.of(statuses).column((values, row) => {
        values[row] = value(statuses[row]!, balancer);
      }),
    );
  const eachState = (label: string, value: (status: BackendStatus, state: BackendState) => number) =>
    columns((statuses) =>
      table.of(statuses).column(
        (values, row, at) => {
          for (let i = 0; i < backendStates.length; i++) values[at + i] = value(statuses[row]!, backendStates[i]!);
        },
        label,
        backendStates,
      ),
    );
  // The three counters of a backend come from one reading: packets are asked for first.
  let reading: TrafficColumns | undefined;
  const counted = (counter: keyof TrafficColumns) =>
    columns((statuses, _, memory) => {
      if (counter === 'packets' || !reading) {
        const limit = statuses.reduce((most, { number }) => Math.max(most, number), 0) + 1;
        reading = readTrafficColumns(backendTraffic(memory.maps.lbTraffic), limit);
      }
      const counts = reading[counter];
      return table.of(statuses).column((values, row) => {
        values[row] = counts[statuses[row]!.number] ?? 0;
      });
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
    backendInfo: columns((statuses) =>
      addresses.of(statuses).column((values, row) => {
        values[row] = 1;
      }),
    ),
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
    backendState: eachState('state', ({ view }, state) => Number(view.state === state)),
    backendStateChanges: eachState('to', ({ changes }, state) => changes.get(state) ?? 0),
    backendLastChange: each(({ changedAt }) => changedAt / 1000),
    backendWeight: each(({ spec }) => spec.weight),
    backendShare: columns((statuses, balancer) => {
      const shares = sharesByBackend(balancer);
      return table.of(statuses).column((values, row) => {
        values[row] = shares.get(statuses[row]!.number) ?? 0;
      });
    }),
    backendReachable: each(({ unreachable }) => Number(unreachable === '')),
    backendRemembered: each(({ number }, balancer) => balancer.rememberedFor(number)),
    ringSlots: all(function* (balancer) {
      for (const ring of balancer.rings()) {
        const { settling, pinned } = ring.keeper.ring.phases();
        const phases = { steady: ring.table - settling - pinned, settling, pinned };
        for (const [phase, value] of Object.entries(phases)) yield { labels: { ...sized(ring), phase }, value };
      }
    }),
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

function sized({ pool, table }: RingState) {
  return { pool, size: String(table) };
}
