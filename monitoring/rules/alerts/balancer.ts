/** Services and their backends. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const balancerAlerts: readonly AlertRule[] = [
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
    expr: `${m.backendReachable} == 0 and on (instance, pool, backend) ${m.backendState}{state=~"active|draining"} == 1`,
    for: '30s',
    severity: 'critical',
    summary: 'The next hop of {{ $labels.pool }}/{{ $labels.backend }} is not resolved on {{ $labels.instance }}.',
    means: 'Packets for it are dropped until it is, or until its checks take it out.',
    steps: ['`headrace neighbors`', '`ip route get ADDRESS`: is there a route to it?'],
    test: {
      series: {
        [`${m.backendReachable}{instance="edge1", pool="web", backend="one"}`]: '1x4 0x8 1x8',
        [`${m.backendState}{instance="edge1", pool="web", backend="one", state="active"}`]: '1x40',
        [`${m.backendState}{instance="edge1", pool="web", backend="one", state="maintenance"}`]: '0x40',
        // Switched off by an operator.
        [`${m.backendReachable}{instance="edge1", pool="web", backend="two"}`]: '0x40',
        [`${m.backendState}{instance="edge1", pool="web", backend="two", state="active"}`]: '0x40',
        [`${m.backendState}{instance="edge1", pool="web", backend="two", state="maintenance"}`]: '1x40',
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
      'a shorter `balancer.settle` ends sooner what fills it; smaller numbers in `balancer.remember` let floods in more slowly',
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
];
