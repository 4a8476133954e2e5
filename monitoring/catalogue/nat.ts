/** Connections that are translated (forwarding mode nat). Where no service is in that mode there are none of these. */
import type { MetricDefinition } from './definition.ts';

export const natMetrics = {
  natConnections: {
    name: 'headrace_nat_connections',
    type: 'gauge',
    labels: ['state'],
    help: 'Translated connections by state, as of the last walk through the tables.',
  },
  natEntries: {
    name: 'headrace_nat_table_entries',
    type: 'gauge',
    labels: ['table'],
    help: 'Entries as of the last walk; a connection has two. flows: confirmed ones; opening: those that begin, of which the oldest make room.',
  },
  natMaxEntries: {
    name: 'headrace_nat_table_max_entries',
    type: 'gauge',
    labels: ['table'],
    help: 'Entries that there is room for.',
  },
  natEvents: {
    name: 'headrace_nat_events_total',
    type: 'counter',
    labels: ['event'],
    help: 'What became of connections: begun, established, given_up (its backend was down), refused_budget (too many began in a second), refused_full (confirmed, but no room), ports (no port was free), port_changed, error (ICMP error translated).',
  },
  natSweeps: {
    name: 'headrace_nat_sweeps_total',
    type: 'counter',
    labels: [],
    help: 'Walks through the tables since the daemon started.',
  },
  natSwept: {
    name: 'headrace_nat_swept_connections_total',
    type: 'counter',
    labels: [],
    help: 'Connections that walks took out: silent for too long, or of a backend that is down.',
  },
} as const satisfies Record<string, MetricDefinition>;
