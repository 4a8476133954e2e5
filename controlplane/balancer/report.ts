/** Services and backends as people and programs read them. */
import type { BackendState } from './backend-view.ts';
import type { BalanceMemory } from './balance-memory.ts';
import type { Balancer } from './balancer.ts';
import { type ForwardMode, ringName } from './model.ts';
import type { RingKeeper } from './ring-keeper.ts';
import { frontendName } from './service-records.ts';
import { addTraffic, backendTraffic, noTraffic, readTraffic, serviceTraffic, type Traffic } from './traffic.ts';

export interface ServiceReport {
  readonly service: string;
  readonly frontends: readonly string[];
  readonly pool: string;
  readonly mode: ForwardMode;
  readonly up: boolean;
  readonly ready: boolean;
  readonly reason: string;
  /** Weight that can take connections, 0 to 1. */
  readonly ratio: number;
  readonly usable: number;
  readonly backends: number;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly newConnections: bigint;
  readonly slots: { readonly size: number; readonly settling: number; readonly pinned: number };
  readonly rebuilds: number;
  readonly remapped: number;
}

export interface BackendReport {
  readonly pool: string;
  readonly backend: string;
  readonly address: string;
  readonly weight: number;
  readonly state: BackendState;
  readonly reason: string;
  /** Slots it owns, 0 to 1. */
  readonly share: number;
  /** Why packets cannot be sent there as they should; empty when they can. */
  readonly unreachable: string;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly newConnections: bigint;
  /** Connections remembered for it: while slots move, and translated ones. */
  readonly remembered: number;
  /** Milliseconds since 1970; null: as it was when the daemon started. */
  readonly since: number | null;
}

/** Traffic of each service: all its records together. */
export function trafficByService(balancer: Balancer, memory: BalanceMemory): Map<string, Traffic> {
  const numbers = balancer.records.map(({ name }) => balancer.state.services.numberOf(name) ?? 0);
  const traffic = readTraffic(serviceTraffic(memory.maps.lbTraffic), Math.max(0, ...numbers) + 1);
  const sums = new Map<string, Traffic>();
  balancer.records.forEach(({ service }, i) => {
    if (service !== undefined) sums.set(service, addTraffic(sums.get(service) ?? noTraffic, traffic(numbers[i]!)));
  });
  return sums;
}

export function reportServices(balancer: Balancer, memory: BalanceMemory): ServiceReport[] {
  const traffic = trafficByService(balancer, memory);
  const states = new Map(balancer.list().map((state) => [state.name, state]));
  const rings = new Map(balancer.rings().map((ring) => [ring.name, ring]));
  return balancer.spec.services.flatMap((service) => {
    const state = states.get(service.name);
    const ring = rings.get(ringName(service.pool, service.table));
    if (!state || !ring) return [];
    const { packets, bytes, flows } = traffic.get(service.name) ?? noTraffic;
    return [
      {
        service: service.name,
        frontends: service.frontends.map(frontendName),
        pool: service.pool,
        mode: service.mode,
        up: state.up,
        ready: state.ready,
        reason: state.reason,
        ratio: state.ratio,
        usable: state.usable,
        backends: state.backends,
        packets,
        bytes,
        newConnections: flows,
        slots: { size: service.table, ...ring.keeper.ring.phases() },
        rebuilds: ring.rebuilds,
        remapped: ring.remapped,
      },
    ];
  });
}

/** Share of the slots of each backend, by number: of the first ring of its pool, all have the same. */
export function sharesByBackend(balancer: Balancer): Map<number, number> {
  const shares = new Map<number, number>();
  const seen = new Set<string>();
  for (const { pool, table, keeper } of balancer.rings()) {
    if (seen.has(pool)) continue;
    seen.add(pool);
    for (const [number, slots] of slotsByOwner(keeper)) shares.set(number, slots / table);
  }
  return shares;
}

/** Counts of rings that have not moved since they were made: there are millions of slots. */
const counted = new WeakMap<RingKeeper, { readonly generation: number; readonly slots: ReadonlyMap<number, number> }>();

function slotsByOwner(keeper: RingKeeper): ReadonlyMap<number, number> {
  const known = counted.get(keeper);
  const { generation } = keeper;
  if (known?.generation === generation) return known.slots;
  // In an array, which has an index for every number there can be.
  const counts = new Uint32Array(0x1_0000);
  const { owners } = keeper.ring;
  for (let i = 0; i < owners.length; i++) counts[owners[i]!]!++;
  const slots = new Map<number, number>();
  for (let number = 1; number < counts.length; number++) if (counts[number]! > 0) slots.set(number, counts[number]!);
  counted.set(keeper, { generation, slots });
  return slots;
}

export function reportBackends(balancer: Balancer, memory: BalanceMemory): BackendReport[] {
  const shares = sharesByBackend(balancer);
  const statuses = balancer.statuses();
  const traffic = readTraffic(
    backendTraffic(memory.maps.lbTraffic),
    Math.max(0, ...statuses.map(({ number }) => number)) + 1,
  );
  return statuses.map(({ pool, spec, number, view, unreachable, changedAt }) => {
    const { packets, bytes, flows } = traffic(number);
    return {
      pool,
      backend: spec.name,
      address: spec.address,
      weight: spec.weight,
      state: view.state,
      reason: view.reason,
      share: Math.min(1, Math.round((shares.get(number) ?? 0) * 1e6) / 1e6),
      unreachable,
      packets,
      bytes,
      newConnections: flows,
      remembered: balancer.rememberedFor(number),
      since: changedAt === 0 ? null : changedAt,
    };
  });
}
