/**
 * Every metric there is: name, type, labels, meaning. The exporter and the reference page are made from this list. Each
 * section is a file of its own.
 */

import { announceMetrics } from './announce.ts';
import { balancerMetrics } from './balancer.ts';
import { fibMetrics } from './fib.ts';
import { firewallMetrics } from './firewall.ts';
import { healthMetrics } from './health.ts';
import { interfacesMetrics } from './interfaces.ts';
import { kernelMetrics } from './kernel.ts';
import { natMetrics } from './nat.ts';
import { neighborsMetrics } from './neighbors.ts';
import { packetsMetrics } from './packets.ts';
import { processMetrics } from './process.ts';
import { programsMetrics } from './programs.ts';
import { sessionsMetrics } from './sessions.ts';
import { tapMetrics } from './tap.ts';

export type { MetricDefinition } from './definition.ts';

export const catalogue = {
  ...packetsMetrics,
  ...interfacesMetrics,
  ...balancerMetrics,
  ...natMetrics,
  ...kernelMetrics,
  ...healthMetrics,
  ...announceMetrics,
  ...fibMetrics,
  ...neighborsMetrics,
  ...firewallMetrics,
  ...processMetrics,
  ...tapMetrics,
  ...programsMetrics,
  ...sessionsMetrics,
} as const;

export type CatalogueKey = keyof typeof catalogue;
