/** Who answers where packets go, and how well the mirror of the kernel's routes is kept. */
import type { MetricDefinition } from './definition.ts';

export const fibMetrics = {
  fibMode: {
    name: 'headrace_fib_mode',
    type: 'gauge',
    labels: ['mode'],
    help: '1 for who is asked first where a packet goes: `helper` (the kernel) or `mirror` (tables that follow it).',
  },
  fibLookups: {
    name: 'headrace_fib_lookups_total',
    type: 'counter',
    labels: ['by'],
    help: 'Packets the fast path sent on, by who knew the way: `mirror`, or `helper` for the kernel.',
  },
  mirrorValid: {
    name: 'headrace_mirror_valid',
    type: 'gauge',
    labels: ['family'],
    help: 'Whether packets get their answer from the mirror. 0 while it is off, being read, behind, or kept out by policy rules.',
  },
  mirrorRoutes: {
    name: 'headrace_mirror_routes',
    type: 'gauge',
    labels: ['family'],
    help: 'Routes of the main and the local table that the mirror knows.',
  },
  mirrorPrefixes: {
    name: 'headrace_mirror_prefixes',
    type: 'gauge',
    labels: ['family'],
    help: 'Prefixes in the tables that packets read.',
  },
  mirrorGroups: {
    name: 'headrace_mirror_groups',
    type: 'gauge',
    labels: ['family', 'state'],
    help: 'Blocks of the tables: `used`, `free`, and `waiting` for the packets that may still read them.',
  },
  mirrorLists: {
    name: 'headrace_mirror_lists',
    type: 'gauge',
    labels: ['state'],
    help: 'Blocks of the IPv6 tables that hold a few prefixes each: `used`, `free` and `waiting`.',
  },
  mirrorCrowded: {
    name: 'headrace_mirror_crowded_ranges',
    type: 'gauge',
    labels: ['family'],
    help: 'Ranges of addresses that the kernel is asked for because the tables are full.',
  },
  mirrorNextHops: {
    name: 'headrace_mirror_next_hops',
    type: 'gauge',
    labels: ['state'],
    help: 'Records of next hops: `used` and `free`.',
  },
  mirrorBytes: {
    name: 'headrace_mirror_bytes',
    type: 'gauge',
    labels: ['kind'],
    help: 'Memory: `tables`, shared with the packet path, and `worker`, beside them.',
  },
  mirrorResyncs: {
    name: 'headrace_mirror_resyncs_total',
    type: 'counter',
    labels: ['cause'],
    help: 'Times all routes were read, by cause: `start`, `overrun` (notifications were lost), `difference`, `request`.',
  },
  mirrorLagged: {
    name: 'headrace_mirror_lagged_total',
    type: 'counter',
    labels: [],
    help: 'Times the kernel was asked because routes changed faster than they were written.',
  },
  mirrorLag: {
    name: 'headrace_mirror_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'The longest time of the last second from a change to its being in the tables.',
  },
  mirrorEvents: {
    name: 'headrace_mirror_events_total',
    type: 'counter',
    labels: [],
    help: 'Notifications of the kernel that the mirror applied.',
  },
  mirrorSamples: {
    name: 'headrace_mirror_samples_total',
    type: 'counter',
    labels: ['result'],
    help: 'Answers of the mirror compared with the kernel: `same`, `race` (differed for a moment), `difference`, `skipped`.',
  },
  mirrorWorkerDeaths: {
    name: 'headrace_mirror_worker_deaths_total',
    type: 'counter',
    labels: [],
    help: 'Times the routing worker died and was started again.',
  },
} as const satisfies Record<string, MetricDefinition>;
