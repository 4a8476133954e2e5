/** What wakes somebody, or waits until morning. Each concern is a file of its own. */
import type { AlertRule } from '../rule.ts';
import { balancerAlerts } from './balancer.ts';
import { boxAlerts } from './box.ts';
import { forwardingAlerts } from './forwarding.ts';
import { natAlerts } from './nat.ts';
import { routesAlerts } from './routes.ts';
import { routingDaemonsAlerts } from './routing-daemons.ts';

export const alertRules: readonly AlertRule[] = [
  ...boxAlerts,
  ...forwardingAlerts,
  ...routesAlerts,
  ...balancerAlerts,
  ...natAlerts,
  ...routingDaemonsAlerts,
];
