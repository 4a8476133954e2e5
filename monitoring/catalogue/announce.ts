/** Announcing VIPs. */
import type { MetricDefinition } from './definition.ts';

export const announceMetrics = {
  vipAnnounceWanted: {
    name: 'headrace_vip_announce_wanted',
    type: 'gauge',
    labels: ['vip'],
    help: '1 when the VIP shall be announced, with either metric.',
  },
  vipAnnounced: {
    name: 'headrace_vip_announced',
    type: 'gauge',
    labels: ['vip'],
    help: '1 when the VIP has a route in the announcement table.',
  },
  vipExportedPeers: {
    name: 'headrace_vip_exported_peers',
    type: 'gauge',
    labels: ['vip', 'daemon'],
    help: 'Established BGP sessions the routing daemon gives the VIP to. 0 while the daemon does not answer.',
  },
  vipAnnouncementChanges: {
    name: 'headrace_vip_announcement_changes_total',
    type: 'counter',
    labels: ['vip', 'reason'],
    help: 'Changes of the route of a VIP since the daemon started: up, down, drain, removed (from the configuration), restored (somebody had deleted it), exit.',
  },
} as const satisfies Record<string, MetricDefinition>;
