/** Services and backends for the snapshot, from the balancer's reports; rates are between two of them. */
import type { BackendReport, ServiceReport } from '../../controlplane/balancer/report.ts';
import { round } from './rates.ts';
import type { LiveBackend, LiveService, Rate, State } from './snapshot.ts';

export interface BalanceReading {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly services: readonly ServiceReport[];
  readonly backends: readonly BackendReport[];
}

export function servicesOf(before: BalanceReading | undefined, now: BalanceReading): Record<string, LiveService> {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const formerBackends = new Map(before?.backends.map((backend) => [`${backend.pool}/${backend.backend}`, backend]));
  const formerServices = new Map(before?.services.map((service) => [service.service, service]));
  const pools = new Map<string, Record<string, LiveBackend>>();
  for (const backend of now.backends) {
    const pool = pools.get(backend.pool) ?? {};
    pools.set(backend.pool, pool);
    const rate = rateOf(formerBackends.get(`${backend.pool}/${backend.backend}`), backend, seconds);
    pool[backend.backend] = backendOf(backend, rate);
  }
  return Object.fromEntries(
    now.services.map((service) => {
      const rate = rateOf(formerServices.get(service.service), service, seconds);
      return [service.service, serviceOf(service, pools.get(service.pool) ?? {}, rate)];
    }),
  );
}

function serviceOf(service: ServiceReport, backends: Record<string, LiveBackend>, rate: Rate | undefined): LiveService {
  const { up, ready, reason, frontends } = service;
  return {
    address: frontends.join(', '),
    state: !up ? 'down' : ready ? 'up' : 'not ready',
    tone: !up ? 'bad' : ready ? 'good' : 'attention',
    ...(rate ? { rate } : {}),
    ...(reason ? { note: reason } : {}),
    backends,
  };
}

const tones: Readonly<Record<BackendReport['state'], State>> = {
  active: 'good',
  draining: 'attention',
  maintenance: 'neutral',
  down: 'bad',
};

function backendOf(backend: BackendReport, rate: Rate | undefined): LiveBackend {
  const { state, address, weight, share, reason, unreachable } = backend;
  const note = [reason, unreachable].filter(Boolean).join('; ');
  return {
    state,
    tone: unreachable && state === 'active' ? 'attention' : tones[state],
    address,
    weight,
    share,
    ...(rate ? { rate } : {}),
    ...(note ? { note } : {}),
  };
}

type Counted = Pick<ServiceReport, 'packets' | 'bytes'>;

function rateOf(before: Counted | undefined, now: Counted, seconds: number): Rate | undefined {
  // Counters that went back are another's: a number was given away and taken again.
  if (!before || seconds <= 0 || now.packets < before.packets || now.bytes < before.bytes) return undefined;
  return {
    packets: round(Number(now.packets - before.packets) / seconds),
    bytes: Math.round(Number(now.bytes - before.bytes) / seconds),
  };
}
