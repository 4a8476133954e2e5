/** Is a service up, by what is known of its backends? Pure. */
import type { BackendStatus } from './backend-status.ts';
import type { ServiceSpec } from './model.ts';
import { type ServiceState, upByQuorum } from './service-state.ts';

/** So long a service waits for next hops of backends that nobody checks; then those count as missing. */
export const NEXT_HOP_PATIENCE_MS = 10_000;

/** What is asked of a backend. */
export type JudgedBackend = Pick<BackendStatus, 'spec' | 'view' | 'unreachable'>;

export interface ServiceFacts {
  /** Was it up before? */
  readonly was: boolean;
  /** Backends of its pool. */
  readonly statuses: readonly JudgedBackend[];
  /** Every backend of its pool was checked. */
  readonly settled: boolean;
  /** Its ring is there, filled. */
  readonly hasRing: boolean;
  /** Milliseconds since it was judged for the first time. */
  readonly waitedMs: number;
}

export function judgeService(
  service: ServiceSpec,
  { was, statuses, settled, hasRing, waitedMs }: ServiceFacts,
): ServiceState {
  const usable = statuses.filter(({ view }) => view.ringWeight > 0);
  const ratio = shareOf(usable, statuses);
  const up = upByQuorum(was, ratio, service.quorum);
  const unreachable = usable.filter((status) => status.unreachable !== '');
  // One server that is switched off must not keep the rest from being announced for ever.
  const enough =
    unreachable.length === 0 ||
    (waitedMs >= NEXT_HOP_PATIENCE_MS &&
      shareOf(
        usable.filter((status) => status.unreachable === ''),
        statuses,
      ) >= service.quorum.up);
  const reason = !up
    ? `${usable.length} of ${statuses.length} backends can take connections`
    : !hasRing
      ? 'its ring is not filled yet'
      : !settled
        ? 'not every backend was checked yet'
        : unreachable.length > 0
          ? `no next hop to ${unreachable.map(({ spec }) => spec.name).join(', ')}`
          : '';
  return {
    name: service.name,
    vips: [...new Set(service.frontends.map(({ vip }) => vip))],
    up,
    ready: hasRing && settled && enough,
    ratio,
    usable: usable.length,
    backends: statuses.length,
    reason,
  };
}

/**
 * Weight of those who can take connections, as a share of all who should. Who is taken out on purpose (drains, has weight
 * 0, is in maintenance by the file) is not missed: a service goes down because servers fail, and one that is drained
 * whole stays up for the connections it has.
 */
function shareOf(able: readonly JudgedBackend[], all: readonly JudgedBackend[]): number {
  const weightOf = (list: readonly JudgedBackend[]): number => list.reduce((sum, { spec }) => sum + spec.weight, 0);
  const expected = weightOf(all.filter(({ view, spec }) => view.state !== 'draining' && spec.state !== 'maintenance'));
  if (expected > 0) return Math.min(1, weightOf(able) / expected);
  return all.some(({ view }) => view.lives) ? 1 : 0;
}
