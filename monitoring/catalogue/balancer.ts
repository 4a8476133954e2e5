/** Services, backends and the ring between them. */
import type { MetricDefinition } from './definition.ts';

const gauge = (name: string, labels: readonly string[], help: string) =>
  ({ name, type: 'gauge', labels, help }) as const;
const counter = (name: string, labels: readonly string[], help: string) =>
  ({ name, type: 'counter', labels, help }) as const;

export const balancerMetrics = {
  serviceInfo: gauge(
    'headrace_service_info',
    ['service', 'vip', 'protocol', 'port', 'mode', 'pool'],
    'Always 1: what a service takes, and how it forwards.',
  ),
  backendInfo: gauge('headrace_backend_info', ['pool', 'backend', 'address'], 'Always 1: where a backend is.'),
  servicePackets: counter('headrace_service_packets_total', ['service'], "Clients' packets of a service."),
  serviceBytes: counter('headrace_service_bytes_total', ['service'], 'Bytes of their frames, as they arrived.'),
  serviceConnections: counter(
    'headrace_service_new_connections_total',
    ['service'],
    'TCP: SYNs; UDP where flows are tracked: flows first seen.',
  ),
  serviceUp: gauge('headrace_service_up', ['service'], 'Whether enough backends can take connections (quorum).'),
  serviceReady: gauge(
    'headrace_service_ready',
    ['service'],
    'Whether all that must be there before its VIPs are announced has come about.',
  ),
  serviceQuorum: gauge(
    'headrace_service_quorum_ratio',
    ['service'],
    'Weight of the backends that can take connections, of the weight of all.',
  ),
  serviceBackends: gauge('headrace_service_backends', ['service', 'state'], 'Backends by state.'),
  backendPackets: counter('headrace_backend_packets_total', ['pool', 'backend'], 'Packets sent to a backend.'),
  backendBytes: counter('headrace_backend_bytes_total', ['pool', 'backend'], 'Bytes of their frames, as they arrived.'),
  backendConnections: counter(
    'headrace_backend_new_connections_total',
    ['pool', 'backend'],
    'As headrace_service_new_connections_total, by backend.',
  ),
  backendState: gauge('headrace_backend_state', ['pool', 'backend', 'state'], '1 for the state a backend is in.'),
  backendStateChanges: counter(
    'headrace_backend_state_changes_total',
    ['pool', 'backend', 'to'],
    'Changes of state since the daemon started.',
  ),
  backendLastChange: gauge(
    'headrace_backend_last_state_change_timestamp_seconds',
    ['pool', 'backend'],
    'When its state last changed; 0: not since the daemon started.',
  ),
  backendWeight: gauge('headrace_backend_weight', ['pool', 'backend'], 'As configured.'),
  backendShare: gauge('headrace_backend_share_ratio', ['pool', 'backend'], 'Slots of the ring it owns.'),
  backendReachable: gauge(
    'headrace_backend_reachable',
    ['pool', 'backend'],
    'Whether its next hop is resolved. Packets for one that is not are dropped.',
  ),
  backendRemembered: gauge(
    'headrace_backend_remembered_connections',
    ['pool', 'backend'],
    'Connections remembered for it, while slots move and translated, as of the last walks through the tables.',
  ),
  ringSlots: gauge('headrace_ring_slots', ['pool', 'size', 'phase'], 'Slots of a ring by phase.'),
  ringRebuilds: counter('headrace_maglev_rebuilds_total', ['pool', 'size'], 'Rings built since the daemon started.'),
  ringRemapped: gauge('headrace_maglev_remapped_ratio', ['pool', 'size'], 'Slots whose owner the last build changed.'),
  connectionEntries: gauge(
    'headrace_connection_table_entries',
    [],
    'Connections remembered while slots move, as of the last walk through the table.',
  ),
  connectionMax: gauge('headrace_connection_table_max_entries', [], 'Connections that can be remembered.'),
  balancerEvents: counter(
    'headrace_balancer_events_total',
    ['event'],
    'What happened in the balance stage: connections remembered and refused (refused_*: budget or table full), remembered ones found, backends given up, next hops asked from the kernel.',
  ),
  balancerSlots: gauge('headrace_balancer_slots', ['state'], 'Slots of all rings, used and free.'),
} as const satisfies Record<string, MetricDefinition>;
