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
