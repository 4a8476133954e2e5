/** BGP sessions, and what is announced by them. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const routingDaemonsAlerts: readonly AlertRule[] = [
  {
    name: 'HeadraceVipNotAnnounced',
    expr: `${m.vipAnnounceWanted} != ${m.vipAnnounced}`,
    for: '1m',
    severity: 'critical',
    summary: 'The route of {{ $labels.vip }} on {{ $labels.instance }} is not as it should be.',
    means: 'A VIP that is up is not announced, or one that is down still is.',
    steps: [
      '`headrace announcements` says what stands in the way',
      '`ip route show table 231`: does somebody delete it?',
    ],
    test: {
      series: {
        [`${m.vipAnnounceWanted}{instance="edge1", vip="192.0.2.1/32"}`]: '1x40',
        [`${m.vipAnnounced}{instance="edge1", vip="192.0.2.1/32"}`]: '1x4 0x8 1x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceVipExportedNowhere',
    expr: `${m.vipExportedPeers} == 0 and on (instance, vip) ${m.vipAnnounced} == 1`,
    for: '1m',
    severity: 'critical',
    summary: '{{ $labels.vip }} is given to no neighbor of {{ $labels.instance }}.',
    means:
      'The route is there and {{ $labels.daemon }} is asked to announce it, but no established session carries it.',
    steps: ['`headrace bgp`: is a session up?', "the export filter: does it let the table's routes through?"],
    test: {
      series: {
        [`${m.vipExportedPeers}{instance="edge1", vip="192.0.2.1/32", daemon="bird"}`]: '2x4 0x8 2x8',
        [`${m.vipAnnounced}{instance="edge1", vip="192.0.2.1/32"}`]: '1x40',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceBgpSessionDown',
    expr: `${m.bgpSessionUp} == 0 and on (instance, daemon, session, vrf) ${m.bgpSessionEnabled} == 1`,
    for: '1m',
    severity: 'critical',
    summary: 'BGP session {{ $labels.session }} ({{ $labels.peer }}) of {{ $labels.instance }} is down.',
    means: 'Routes of that neighbor are gone, and VIPs are not announced to it.',
    steps: ['`headrace bgp` says the last error', 'is the link up? `headrace interfaces`'],
    test: {
      series: {
        [`${m.bgpSessionUp}{instance="edge1", daemon="bird", session="upstream"}`]: '1x4 0x8 1x8',
        [`${m.bgpSessionEnabled}{instance="edge1", daemon="bird", session="upstream"}`]: '1x40',
        // Switched off by an operator.
        [`${m.bgpSessionUp}{instance="edge1", daemon="bird", session="old"}`]: '0x40',
        [`${m.bgpSessionEnabled}{instance="edge1", daemon="bird", session="old"}`]: '0x40',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceRoutingDaemonSilent',
    expr: `${m.routingDaemonUp} == 0`,
    for: '1m',
    severity: 'warning',
    summary: '{{ $labels.daemon }} on {{ $labels.instance }} does not answer.',
    means:
      'It is gone, or hangs: its sessions count as down, and announcements cannot be verified. Routes stay in the kernel for now.',
    steps: ['`systemctl status bird` or `frr`', 'may the user of Headrace read its socket? See the operations guide'],
    test: {
      series: {
        [`${m.routingDaemonUp}{instance="edge1", daemon="bird"}`]: '1x4 0x8 1x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
];
