/** Neighbors that are kept resolved. */
import type { MetricDefinition } from './definition.ts';

export const neighborsMetrics = {
  managedNeighbors: {
    name: 'headrace_managed_neighbors',
    type: 'gauge',
    labels: ['interface', 'family', 'use', 'resolved'],
    help: 'Neighbors kept resolved: gateways of routes (gateway) and hosts of attached networks (attached), and whether they are (yes, no).',
  },
  neighborFailures: {
    name: 'headrace_neighbor_failures_total',
    type: 'counter',
    labels: ['interface'],
    help: 'Times that a kept neighbor stopped answering, since the daemon started.',
  },
  neighborsPutBack: {
    name: 'headrace_neighbors_put_back_total',
    type: 'counter',
    labels: [],
    help: 'Kept neighbors that somebody deleted and that were entered again, since the daemon started.',
  },
  neighborsSurplus: {
    name: 'headrace_neighbors_surplus',
    type: 'gauge',
    labels: [],
    help: 'Neighbors that are not kept resolved because there are more than neighbors.limit.',
  },
} as const satisfies Record<string, MetricDefinition>;
