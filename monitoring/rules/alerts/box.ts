/** The box itself: its daemon, its configuration, what it holds. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const boxAlerts: readonly AlertRule[] = [
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
    name: 'HeadraceMapFull',
    expr: `${m.mapEntries} / ${m.mapMaxEntries} > 0.8`,
    for: '5m',
    severity: 'warning',
    summary: 'Map {{ $labels.map }} of {{ $labels.instance }} is {{ $value | humanizePercentage }} full.',
    means:
      'What does not fit goes by the kernel (tx_ports, able_ports), is counted together (slots), or is not recognized as an address of this box (own_v4).',
    steps: [
      '"Fill of maps" on the dashboard of the box itself: which, and how fast?',
      'tx_ports, able_ports, slots: does the configuration name more interfaces than it should?',
      'own_v4: how many addresses has the box (`ip -4 address`)? Many VIPs are better routed to it than put on it',
    ],
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
    name: 'HeadraceUnwell',
    expr: `${m.problems} > 0`,
    for: '2m',
    severity: 'warning',
    summary: '`headrace status` of {{ $labels.instance }} lists {{ $value }} problems.',
    means: 'Something does not work as configured. What is most urgent has an alert of its own.',
    steps: ['`headrace status` says what is wrong with each, and what to do'],
    test: {
      series: {
        [`${m.problems}{instance="edge1"}`]: '0x4 2x20 0x8',
      },
      quiet: '2m',
      firing: '5m',
      resolved: '7m',
    },
  },
  {
    name: 'HeadraceCollectorFails',
    expr: `increase(${m.collectorErrors}[10m]) > 0`,
    for: '0m',
    severity: 'warning',
    summary: '{{ $labels.metric }} of {{ $labels.instance }} cannot be collected.',
    means: 'It is missing from what Prometheus gets, and alerts and panels that need it are blind.',
    steps: [
      '`journalctl -u headrace`: `part_failed`, or an error that names a map',
      'report it: this should not happen',
    ],
    test: {
      series: {
        [`${m.collectorErrors}{instance="edge1", metric="headrace_routes"}`]: '0x8 3x60',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '13m',
    },
  },
];
