/** The kernel's routes and neighbors, and how well it is followed. */
import type { MetricDefinition } from './definition.ts';

export const kernelMetrics = {
  neighbors: {
    name: 'headrace_neighbors',
    type: 'gauge',
    labels: ['interface', 'family', 'state'],
    help: "Entries of the kernel's neighbor tables.",
  },
  routes: {
    name: 'headrace_routes',
    type: 'gauge',
    labels: ['table', 'family', 'protocol'],
    help: "Routes in the kernel's tables, by who put them there. Counted every ten seconds at most, and large tables less often: a hundredth of the time is spent on it.",
  },
  netlinkEvents: {
    name: 'headrace_netlink_events_total',
    type: 'counter',
    labels: [],
    help: 'Notifications received from the kernel since the daemon started, by all parts but the mirror of routes, which has counters of its own.',
  },
  netlinkOverruns: {
    name: 'headrace_netlink_overruns_total',
    type: 'counter',
    labels: [],
    help: 'Times that the kernel dropped notifications because they were not read fast enough.',
  },
  netlinkResyncs: {
    name: 'headrace_netlink_resyncs_total',
    type: 'counter',
    labels: [],
    help: 'Times that a part listed everything anew after an overrun.',
  },
} as const satisfies Record<string, MetricDefinition>;
