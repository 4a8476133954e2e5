/** What wakes somebody, or waits until morning. */
import { metric as m } from '../dashboards/names.ts';
import type { AlertRule } from './rule.ts';

export const alertRules: readonly AlertRule[] = [
  {
    name: 'HeadraceDown',
    expr: 'up{job=~".*headrace.*"} == 0',
    for: '1m',
    severity: 'critical',
    summary: 'The daemon on {{ $labels.instance }} does not answer.',
    means:
      'Packets are still forwarded by what is pinned, but nothing is followed: health of backends, next hops of services and the firewall may be out of date.',
    steps: [
      '`systemctl status headrace`',
      '`journalctl -u headrace -n 100`',
      '`headrace status` works without the daemon, too',
    ],
  },
  {
    name: 'HeadraceInterfaceDetached',
    expr: `${m.interfaceInfo}{xdp_mode="none"} == 1`,
    for: '30s',
    severity: 'critical',
    summary: 'No XDP on {{ $labels.interface }} of {{ $labels.instance }}.',
    means: 'The kernel forwards there, several times slower; packets of services are not balanced.',
    steps: [
      '`headrace status` says why',
      '`bpftool net`: has another program taken the interface?',
      '`headrace doctor`',
    ],
  },
  {
    name: 'HeadraceInterfaceGeneric',
    expr: `${m.interfaceInfo}{xdp_mode="generic"} == 1`,
    for: '5m',
    severity: 'warning',
    summary: 'XDP runs in generic mode on {{ $labels.interface }} of {{ $labels.instance }}.',
    means: 'Forwarding there is no faster than the kernel.',
    steps: [
      '`headrace doctor`: does the driver have native XDP?',
      'set `dataplane.allow_generic` to false to have it refused',
    ],
  },
  {
    name: 'HeadraceEgressUnable',
    expr: `sum by (instance, interface) (rate(${m.packets}{reason="egress_unable"}[5m])) > 1000`,
    for: '10m',
    severity: 'warning',
    summary:
      'Packets from {{ $labels.interface }} of {{ $labels.instance }} leave by an interface that takes no XDP frames.',
    means: 'The kernel forwards them: right, and slow.',
    steps: [
      '`headrace interfaces`: which does not transmit?',
      'on veth, the far end needs GRO or XDP of its own: `ethtool -K … gro on`',
    ],
  },
  {
    name: 'HeadracePuntsHigh',
    expr: `sum by (instance) (rate(${m.packets}{verdict="pass", reason!~"local|other_ethertype|group_frame|other_host"}[5m])) / sum by (instance) (rate(${m.packets}[5m])) > 0.2 and sum by (instance) (rate(${m.packets}[5m])) > 1000`,
    for: '10m',
    severity: 'warning',
    summary: '{{ $value | humanizePercentage }} of the packets on {{ $labels.instance }} go through the kernel.',
    means: 'The fast path is not what carries the traffic: CPU use is higher than it need be.',
    steps: [
      'the reason: `headrace counters`, or "Left to the kernel, by reason" on the router dashboard',
      '`headrace status` names a firewall that keeps the fast path off',
    ],
  },
  {
    name: 'HeadraceNeighborsUnresolved',
    expr: `sum by (instance, interface) (rate(${m.packets}{reason="no_neighbor"}[5m])) > 100`,
    for: '5m',
    severity: 'warning',
    summary: 'Packets from {{ $labels.interface }} of {{ $labels.instance }} find no next hop.',
    means: 'Somebody scans an attached network, or a next hop does not answer.',
    steps: [
      '`headrace neighbors`: which is failed?',
      '`headrace capture --reason no_neighbor --count 20`: who sends to whom?',
    ],
  },
  {
    name: 'HeadraceReloadFailed',
    expr: `${m.lastReloadSuccessful} == 0`,
    for: '1m',
    severity: 'warning',
    summary: 'The configuration of {{ $labels.instance }} was refused.',
    means: 'The one before is in force; the file on disk does not work, and a restart would fail.',
    steps: ['`headrace check -c /etc/headrace/headrace.yaml` says line and reason'],
  },
  {
    name: 'HeadraceNetlinkOverruns',
    expr: `increase(${m.netlinkOverruns}[10m]) > 0`,
    for: '0m',
    severity: 'info',
    summary: 'Notifications of the kernel were lost on {{ $labels.instance }}, and everything was listed anew.',
    means: 'Nothing is wrong now. When it comes again and again, routes change faster than they are read.',
    steps: [
      '"Netlink" on the router dashboard: is there a storm of routes?',
      'look at the sessions of BIRD or FRR: `headrace bgp`',
    ],
  },
  {
    name: 'HeadraceAborted',
    expr: `sum by (instance) (increase(${m.packets}{verdict="aborted"}[5m])) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'The program on {{ $labels.instance }} gave up on packets.',
    means: 'A fault in Headrace: please report it.',
    steps: ['`headrace capture --verdict aborted -w aborted.pcapng`'],
  },
];
