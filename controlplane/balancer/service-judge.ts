/** Is a service up, by what is known of its backends? Pure. */
import type { BackendStatus } from './backend-status.ts';
import type { ServiceSpec } from './model.ts';
import { type ServiceState, upByQuorum } from './service-state.ts';

export interface ServiceFacts {
  /** Was it up before? */
  readonly was: boolean;
  /** Backends of its pool. */
  readonly statuses: readonly BackendStatus[];
  /** Every backend of its pool was checked. */
  readonly settled: boolean;
  /** Its ring is there, filled. */
  readonly hasRing: boolean;
}

export function judgeService(service: ServiceSpec, { was, statuses, settled, hasRing }: ServiceFacts): ServiceState {
  const weightOf = (list: readonly BackendStatus[]): number => list.reduce((sum, { spec }) => sum + spec.weight, 0);
  const usable = statuses.filter(({ view }) => view.ringWeight > 0);
  const counted = statuses.filter(({ view, spec }) => view.state !== 'maintenance' || spec.state !== 'maintenance');
  const all = weightOf(counted);
  const ratio = all === 0 ? 0 : Math.min(1, weightOf(usable) / all);
  const up = upByQuorum(was, ratio, service.quorum);
  const unreachable = usable.filter((status) => status.unreachable !== '');
  const reason = !up
    ? `${usable.length} of ${statuses.length} backends can take connections`
    : !settled
      ? 'not every backend was checked yet'
      : unreachable.length > 0
        ? `no next hop to ${unreachable.map(({ spec }) => spec.name).join(', ')}`
        : '';
  return {
    name: service.name,
    vips: [...new Set(service.frontends.map(({ vip }) => vip))],
    up,
    ready: hasRing && settled && unreachable.length === 0,
    ratio,
    usable: usable.length,
    backends: statuses.length,
    reason,
  };
}
