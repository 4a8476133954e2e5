/** Whether packets take the fast path, and arrive. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const forwardingAlerts: readonly AlertRule[] = [
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
    test: {
      series: {
        [`${m.interfaceInfo}{instance="edge1", interface="eth0", xdp_mode="native"}`]: '1x4 stale',
        [`${m.interfaceInfo}{instance="edge1", interface="eth0", xdp_mode="none"}`]: '_x5 1x8 stale',
      },
      quiet: '1m',
      firing: '2m30s',
      resolved: '5m',
    },
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
    test: {
      series: {
        [`${m.interfaceInfo}{instance="edge1", interface="eth0", xdp_mode="generic"}`]: '_x4 1x30 stale',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
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
    test: {
      series: {
        [`${m.packets}{instance="edge1", interface="eth0", verdict="pass", reason="egress_unable"}`]:
          '0+30000x80 2400000x80',
      },
      quiet: '5m',
      firing: '18m',
      resolved: '35m',
    },
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
    test: {
      series: {
        [`${m.packets}{instance="edge1", interface="eth0", verdict="pass", reason="egress_unable"}`]:
          '0+30000x80 2400000x80',
        [`${m.packets}{instance="edge1", interface="eth0", verdict="redirect", reason="forwarded"}`]: '0+30000x160',
      },
      quiet: '5m',
      firing: '18m',
      resolved: '35m',
    },
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
    test: {
      series: {
        [`${m.packets}{instance="edge1", interface="eth0", verdict="pass", reason="no_neighbor"}`]:
          '0+3000x80 240000x80',
      },
      quiet: '3m',
      firing: '15m',
      resolved: '30m',
    },
  },
  {
    name: 'HeadraceTransmitErrors',
    expr: `sum by (instance, interface, cause) (rate(${m.transmitErrors}{cause!="queue_full"}[5m])) > 1`,
    for: '1m',
    severity: 'critical',
    summary:
      'Packets that should leave by {{ $labels.interface }} of {{ $labels.instance }} are lost after the verdict ({{ $labels.cause }}).',
    means: 'The fast path sends them, and the interface does not take them: what goes that way is lost until it does.',
    steps: [
      '`headrace status` says what the cause is and what mends it',
      '`headrace interfaces`: is it up, and does it transmit?',
      'until then, leave that interface out of `dataplane.interfaces`: the kernel sends by it then',
    ],
    test: {
      series: {
        [`${m.transmitErrors}{instance="edge1", interface="eth1", cause="no_receiver"}`]: '0x8 0+300x20 6000x60',
      },
      quiet: '2m',
      firing: '6m',
      resolved: '15m',
    },
  },
  {
    name: 'HeadraceTransmitQueueFull',
    expr: `sum by (instance, interface) (rate(${m.transmitErrors}{cause="queue_full"}[5m])) / sum by (instance, interface) (label_replace(rate(${m.forwardedPackets}[5m]), "interface", "$1", "egress", "(.*)")) > 0.01`,
    for: '5m',
    severity: 'warning',
    summary:
      '{{ $value | humanizePercentage }} of what should leave by {{ $labels.interface }} of {{ $labels.instance }} finds its queue full.',
    means: 'More is sent that way than the interface takes, in bursts or all the time, and the rest is dropped.',
    steps: [
      '"Sent by the fast path, by interface" on the router dashboard: is it at its rate?',
      '`ethtool -g INTERFACE`: are its rings as long as they may be? `ethtool -L INTERFACE`: has it a queue for each CPU?',
      'on veth: does the far end keep up?',
    ],
    test: {
      series: {
        [`${m.transmitErrors}{instance="edge1", interface="eth1", cause="queue_full"}`]: '0+3000x80 240000x80',
        [`${m.forwardedPackets}{instance="edge1", interface="eth0", egress="eth1"}`]: '0+30000x160',
      },
      quiet: '3m',
      firing: '15m',
      resolved: '30m',
    },
  },
];
