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
    test: {
      series: {
        'up{job="headrace", instance="edge1"}': '1x8 0x12 1x8',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '7m',
    },
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
    name: 'HeadraceReloadFailed',
    expr: `${m.lastReloadSuccessful} == 0`,
    for: '1m',
    severity: 'warning',
    summary: 'The configuration of {{ $labels.instance }} was refused.',
    means: 'The one before is in force; the file on disk does not work, and a restart would fail.',
    steps: ['`headrace check -c /etc/headrace/headrace.yaml` says line and reason'],
    test: {
      series: {
        [`${m.lastReloadSuccessful}{instance="edge1"}`]: '1x4 0x8 1x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
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
    test: {
      series: {
        [`${m.netlinkOverruns}{instance="edge1"}`]: '0x8 1x60',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '13m',
    },
  },
  {
    name: 'HeadraceServiceDown',
    expr: `${m.serviceUp} == 0`,
    for: '30s',
    severity: 'critical',
    summary: 'Service {{ $labels.service }} on {{ $labels.instance }} has too few backends.',
    means: 'Its VIPs are withdrawn or about to be; clients are served elsewhere or not at all.',
    steps: ['`headrace services`', '`headrace backends`: which are down, and why: `headrace checks`'],
    test: {
      series: {
        [`${m.serviceUp}{instance="edge1", service="www"}`]: '1x4 0x8 1x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceBackendDown',
    expr: `${m.backendState}{state="down"} == 1`,
    for: '1m',
    severity: 'warning',
    summary: 'Backend {{ $labels.pool }}/{{ $labels.backend }} is down for {{ $labels.instance }}.',
    means: 'The others carry its share.',
    steps: [
      '`headrace checks` says what the check saw',
      'take it out in peace: `headrace backend maintenance POOL/BACKEND`',
    ],
    test: {
      series: {
        [`${m.backendState}{instance="edge1", pool="web", backend="one", state="down"}`]: '0x4 1x8 0x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceBackendUnreachable',
    expr: `${m.backendReachable} == 0`,
    for: '30s',
    severity: 'critical',
    summary: 'The next hop of {{ $labels.pool }}/{{ $labels.backend }} is not resolved on {{ $labels.instance }}.',
    means: 'Packets for it are dropped until it is, or until its checks take it out.',
    steps: ['`headrace neighbors`', '`ip route get ADDRESS`: is there a route to it?'],
    test: {
      series: {
        [`${m.backendReachable}{instance="edge1", pool="web", backend="one"}`]: '1x4 0x8 1x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceConnectionTableFull',
    expr: `${m.connectionEntries} / ${m.connectionMax} > 0.8`,
    for: '1m',
    severity: 'critical',
    summary: 'The connection table of {{ $labels.instance }} is {{ $value | humanizePercentage }} full.',
    means: 'When it is full, connections that begin while slots move stay with the backend the slot had before.',
    steps: [
      '"What moves" on the load balancer dashboard: which pool changes?',
      'raise `balancer.connections` or settle for a shorter `settle`',
    ],
    test: {
      series: {
        [`${m.connectionEntries}{instance="edge1"}`]: '100x4 900x8 100x8',
        [`${m.connectionMax}{instance="edge1"}`]: '1000x40',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceMapFull',
    expr: `${m.mapEntries} / ${m.mapMaxEntries} > 0.8`,
    for: '5m',
    severity: 'warning',
    summary: 'Map {{ $labels.map }} of {{ $labels.instance }} is {{ $value | humanizePercentage }} full.',
    means: 'What does not fit goes by the kernel (tx_ports), or is counted together (slots).',
    steps: ['does the configuration name more interfaces than it should?'],
    test: {
      series: {
        [`${m.mapEntries}{instance="edge1", map="tx_ports"}`]: '10x4 3500x30 10x8',
        [`${m.mapMaxEntries}{instance="edge1", map="tx_ports"}`]: '4096x60',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
  },
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
    name: 'HeadracePoolPanic',
    expr: `${m.poolPanic} == 1`,
    for: '1m',
    severity: 'critical',
    summary: 'So few backends of {{ $labels.pool }} pass their checks on {{ $labels.instance }} that none is believed.',
    means: 'All of them get connections, healthy or not.',
    steps: ['`headrace checks`: is the check itself wrong?', '`panic` of the check says when this happens'],
    test: {
      series: {
        [`${m.poolPanic}{instance="edge1", pool="web"}`]: '0x4 1x8 0x8',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceMirrorNotUsed',
    expr: `${m.mirrorValid} == 0 and on (instance) ${m.fibMode}{mode="mirror"} == 1`,
    for: '5m',
    severity: 'warning',
    summary: 'The mirror of {{ $labels.family }} routes on {{ $labels.instance }} is not trusted.',
    means: "Packets ask the kernel's own table: right, and slower where tables are large.",
    steps: ['`headrace routes` says how it is kept', '"Route lookup" on the router dashboard: does it lag?'],
    test: {
      series: {
        [`${m.mirrorValid}{instance="edge1", family="ipv4"}`]: '1x4 0x30 1x8',
        [`${m.fibMode}{instance="edge1", mode="mirror"}`]: '1x60',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
  },
  {
    name: 'HeadraceMirrorDiffers',
    expr: `increase(${m.mirrorSamples}{result="difference"}[10m]) > 0`,
    for: '0m',
    severity: 'warning',
    summary: "The mirror of routes on {{ $labels.instance }} differed from the kernel's table.",
    means: 'It was read anew at once. Once is odd; again and again is a fault in Headrace.',
    steps: ['`journalctl -u headrace`: which address?', 'set `router.fib: helper` and report it'],
    test: {
      series: {
        [`${m.mirrorSamples}{instance="edge1", result="difference"}`]: '0x8 1x60',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '13m',
    },
  },
  {
    name: 'HeadraceHealthChecksLate',
    expr: `${m.healthCheckLag} > 1`,
    for: '5m',
    severity: 'warning',
    summary: 'Health checks of {{ $labels.instance }} start {{ $value | humanizeDuration }} late.',
    means: 'A backend that fails is noticed that much later.',
    steps: [
      'is the CPU of the daemon busy? See the dashboard of the box itself',
      'fewer checks, or a longer `interval`',
    ],
    test: {
      series: {
        [`${m.healthCheckLag}{instance="edge1"}`]: '0.01x4 3x30 0.01x8',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
  },
  {
    name: 'HeadraceBgpSessionDown',
    expr: `${m.bgpSessionUp} == 0`,
    for: '1m',
    severity: 'critical',
    summary: 'BGP session {{ $labels.session }} ({{ $labels.peer }}) of {{ $labels.instance }} is down.',
    means: 'Routes of that neighbor are gone, and VIPs are not announced to it.',
    steps: ['`headrace bgp` says the last error', 'is the link up? `headrace interfaces`'],
    test: {
      series: {
        [`${m.bgpSessionUp}{instance="edge1", daemon="bird", session="upstream"}`]: '1x4 0x8 1x8',
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
    means: 'Routes stay in the kernel for now; announcements cannot be verified.',
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
  {
    name: 'HeadraceAborted',
    expr: `sum by (instance) (increase(${m.packets}{verdict="aborted"}[5m])) > 0`,
    for: '0m',
    severity: 'critical',
    summary: 'The program on {{ $labels.instance }} gave up on packets.',
    means: 'A fault in Headrace: please report it.',
    steps: ['`headrace capture --verdict aborted -w aborted.pcapng`'],
    test: {
      series: {
        [`${m.packets}{instance="edge1", interface="eth0", verdict="aborted", reason="internal"}`]: '0x8 3x60',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '9m',
    },
  },
];
