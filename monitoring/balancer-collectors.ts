/** Values of the balancer's metrics. Where no service is configured there are none. */

import { backendStates } from '../controlplane/balancer/backend-view.ts';
import type { BalanceMemory } from '../controlplane/balancer/balance-memory.ts';
import type { BackendStatus, Balancer, RingState } from '../controlplane/balancer/balancer.ts';
import { sharesByBackend, trafficByService } from '../controlplane/balancer/report.ts';
import { readEvents, readTraffic, type Traffic } from '../controlplane/balancer/traffic.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';

export interface RunningBalancer {
  readonly balancer: Balancer;
  readonly memory: BalanceMemory;
}

export function balancerCollectors(running: () => RunningBalancer | undefined): Collectors {
  const all = (collect: (balancer: Balancer, memory: BalanceMemory) => Sample[]) => (): Sample[] => {
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
  const backends = (value: (status: BackendStatus) => number) =>
    all((balancer) => balancer.statuses().map((status) => ({ labels: named(status), value: value(status) })));
  const counted = (value: (traffic: Traffic) => bigint) =>
    all((balancer, memory) => {
      const limit = Math.max(0, ...balancer.statuses().map(({ number }) => number)) + 1;
      const traffic = readTraffic(memory.maps.lbBackendTraffic, limit);
      return balancer
        .statuses()
        .map((status) => ({ labels: named(status), value: Number(value(traffic(status.number))) }));
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
    backendInfo: all((balancer) =>
      balancer.statuses().map((status) => ({ labels: { ...named(status), address: status.spec.address }, value: 1 })),
    ),
    servicePackets: services(({ packets }) => packets),
    serviceBytes: services(({ bytes }) => bytes),
    serviceConnections: services(({ flows }) => flows),
    serviceUp: states(({ up }) => Number(up)),
    serviceReady: states(({ ready }) => Number(ready)),
    serviceQuorum: states(({ ratio }) => ratio),
    serviceBackends: all((balancer) =>
      balancer.spec.services.flatMap(({ name, pool }) =>
        backendStates.map((state) => ({
          labels: { service: name, state },
          value: balancer.statuses().filter((status) => status.pool === pool && status.view.state === state).length,
        })),
      ),
    ),
    backendPackets: counted(({ packets }) => packets),
    backendBytes: counted(({ bytes }) => bytes),
    backendConnections: counted(({ flows }) => flows),
    backendState: all((balancer) =>
      balancer.statuses().flatMap((status) =>
        backendStates.map((state) => ({
          labels: { ...named(status), state },
          value: Number(status.view.state === state),
        })),
      ),
    ),
    backendStateChanges: all((balancer) =>
      balancer
        .statuses()
        .flatMap((status) =>
          backendStates.map((to) => ({ labels: { ...named(status), to }, value: status.changes.get(to) ?? 0 })),
        ),
    ),
    backendLastChange: backends(({ changedAt }) => changedAt / 1000),
    backendWeight: backends(({ spec }) => spec.weight),
    backendShare: all((balancer) => {
      const shares = sharesByBackend(balancer);
      return balancer.statuses().map((status) => ({ labels: named(status), value: shares.get(status.number) ?? 0 }));
    }),
    backendReachable: backends(({ unreachable }) => Number(unreachable === '')),
    backendRemembered: all((balancer) =>
      balancer.statuses().map((status) => ({
        labels: named(status),
        value: balancer.sweeper.rememberedFor(status.number),
      })),
    ),
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

function named({ pool, spec }: BackendStatus) {
  return { pool, backend: spec.name };
}

function sized({ pool, table }: RingState) {
  return { pool, size: String(table) };
}
