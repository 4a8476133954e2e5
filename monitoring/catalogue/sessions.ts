/** The routing daemons beside us, and their sessions. */
import type { MetricDefinition } from './definition.ts';

const session = ['daemon', 'session', 'peer', 'peer_as', 'vrf'] as const;

export const sessionsMetrics = {
  routingDaemonUp: {
    name: 'headrace_routing_daemon_up',
    type: 'gauge',
    labels: ['daemon'],
    help: '1 when BIRD or FRR answered the last time it was asked, 0 when it did not. Missing for one that never was there and that announce.verify does not name.',
  },
  bgpSessionUp: {
    name: 'headrace_bgp_session_up',
    type: 'gauge',
    labels: [...session],
    help: '1 when the session is established.',
  },
  bgpSessionEnabled: {
    name: 'headrace_bgp_session_enabled',
    type: 'gauge',
    labels: [...session],
    help: '0 while an operator has switched the session off in its daemon, 1 otherwise.',
  },
  bgpSessionEstablished: {
    name: 'headrace_bgp_session_established_timestamp_seconds',
    type: 'gauge',
    labels: [...session],
    help: 'When the session became established, in Unix time; missing where it is not, or its daemon does not tell the time whole.',
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
    help: 'Times that a session became established, or stopped being so (down), since the daemon started.',
  },
} as const satisfies Record<string, MetricDefinition>;
