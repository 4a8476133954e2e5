/** What parts of the daemon tell each other: a place for each, so that none has to know which other one is there. */
import { HealthSwitch } from '../../controlplane/balancer/health-source.ts';
import { ServiceStatesSwitch } from '../../controlplane/balancer/service-state.ts';
import type { ServiceWay } from '../../controlplane/check-path/index.ts';
import type { CheckWay, Destination, Via } from '../../controlplane/health/index.ts';

export class Exchange {
  /** Filled by the part that checks, read by the balancer. */
  readonly health = new HealthSwitch();
  /** Filled by the balancer, read by whoever announces VIPs. */
  readonly services = new ServiceStatesSwitch();
  /** Filled by the balancer: how packets of a service get to a backend. */
  serviceWay: (service: string, pool: string, backend: string) => ServiceWay | undefined = () => undefined;
  /** Filled by the part that checks: by what a backend is checked. */
  checksOf: (pool: string, backend: string) => readonly CheckWay[] = () => [];
  /** Filled by the part that carries checks through the forwarding path, read by the part that checks. */
  wayTo: (pool: string, backend: string, via: Via) => Destination | string = () => 'the way is not ready yet';
}
