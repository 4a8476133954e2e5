/** What parts of the daemon tell each other: a place for each, so that none has to know which other one is there. */
import { HealthSwitch } from '../../controlplane/balancer/health-source.ts';
import { ServiceStatesSwitch } from '../../controlplane/balancer/service-state.ts';

export class Exchange {
  /** Filled by the part that checks, read by the balancer. */
  readonly health = new HealthSwitch();
  /** Filled by the balancer, read by whoever announces VIPs. */
  readonly services = new ServiceStatesSwitch();
}
