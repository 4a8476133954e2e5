/** The routing daemons beside us, and their sessions. */
import type { MetricDefinition } from './definition.ts';

const session = ['daemon', 'session', 'peer', 'peer_as', 'vrf'] as const;

export const sessionsMetrics = {
  routingDaemonUp: {
    name: 'headrace_routing_daemon_up',
    type: 'gauge',
    labels: ['daemon'],
    help: '1 when BIRD or FRR answered the last time it was asked, 0 when it did not. Missing while there is none.',
  },
  bgpSessionUp: {
    name: 'headrace_bgp_session_up',
    type: 'gauge',
    labels: [...session],
    help: '1 when the session is established.',
  },
  bgpSessionPrefixes: {
    name: 'headrace_bgp_session_prefixes',
    type: 'gauge',
    labels: ['daemon', 'session', 'vrf', 'family', 'direction'],
    help: 'Routes of a session: imported (taken and kept), filtered (refused) or exported (given).',
  },
  bgpSessionTransitions: {
    name: 'headrace_bgp_session_transitions_total',
    type: 'counter',
    labels: ['daemon', 'session', 'vrf', 'to'],
    help: 'Sessions that became established, or stopped being so, since the daemon started.',
  },
} as const satisfies Record<string, MetricDefinition>;
