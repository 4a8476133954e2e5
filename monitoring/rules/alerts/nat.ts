/** Translated connections (forwarding mode nat): room for them, and ports. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const natAlerts: readonly AlertRule[] = [
  {
    name: 'HeadraceNatTableFull',
    expr: `${m.natEntries}{table="flows"} / ${m.natMaxEntries} > 0.8`,
    for: '1m',
    severity: 'critical',
    summary: 'The table of translated connections of {{ $labels.instance }} is {{ $value | humanizePercentage }} full.',
    means:
      'When it is full, connections that are confirmed stay in the table of those that begin, where a flood pushes them out.',
    steps: [
      '`headrace connections --limit 20`: whose are they, and in which state?',
      '"Connections by state" on the load balancer dashboard: do they grow, or were they never less?',
      'services whose servers can take tunnels or are on the segment need no table: `forward.mode` of `ipip`, `gue` or `l2`',
    ],
    test: {
      series: {
        [`${m.natEntries}{instance="edge1", table="flows"}`]: '100x4 900x8 100x8',
        [`${m.natMaxEntries}{instance="edge1", table="flows"}`]: '1000x40',
        [`${m.natMaxEntries}{instance="edge1", table="opening"}`]: '1000x40',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceNatOpeningFull',
    expr: `${m.natEntries}{table="opening"} / ${m.natMaxEntries} > 0.9`,
    for: '1m',
    severity: 'warning',
    summary: 'Connections that begin push each other out on {{ $labels.instance }}.',
    means:
      'So many begin and are not confirmed that the oldest make room: a flood of SYNs, or servers that do not answer. Confirmed connections are not touched.',
    steps: [
      '`headrace connections`: which service?',
      '"New connections" on the load balancer dashboard: is it a flood?',
      '`headrace checks`: do its servers answer?',
    ],
    test: {
      series: {
        [`${m.natEntries}{instance="edge1", table="opening"}`]: '100x4 990x8 100x8',
        [`${m.natMaxEntries}{instance="edge1", table="opening"}`]: '1000x40',
      },
      quiet: '1m',
      firing: '3m',
      resolved: '4m30s',
    },
  },
  {
    name: 'HeadraceNatPortsExhausted',
    expr: `rate(${m.natEvents}{event="ports"}[5m]) > 0.1`,
    for: '1m',
    severity: 'critical',
    summary: 'New connections find no free port on {{ $labels.instance }}.',
    means:
      'They are dropped (`nat_ports`): all ports towards a server that were tried are taken by connections that live. Those go on.',
    steps: [
      '`headrace connections`: towards which server, and how many are only waiting to be forgotten?',
      'with `snat`: more `addresses`, or a wider range of `ports`',
      'more servers, or servers on more ports: ports are counted towards each by itself',
    ],
    test: {
      series: {
        [`${m.natEvents}{instance="edge1", event="ports"}`]: '0x8 0+30x20 600x60',
      },
      quiet: '2m',
      firing: '6m',
      resolved: '15m',
    },
  },
  {
    name: 'HeadraceNatRefused',
    expr: `sum by (instance, event) (rate(${m.natEvents}{event=~"refused_.*"}[5m])) > 1`,
    for: '2m',
    severity: 'warning',
    summary: 'Connections are refused or not kept on {{ $labels.instance }} ({{ $labels.event }}).',
    means:
      '`refused_budget`: more begin in a second than may, and the rest is dropped. `refused_full`: confirmed, and no room left in the table.',
    steps: [
      '"Refused" on the load balancer dashboard: since when, and how many?',
      'for `refused_budget`: is it a flood? If not, raise `balancer.remember.syns`',
      'for `refused_full`: see HeadraceNatTableFull',
    ],
    test: {
      series: {
        [`${m.natEvents}{instance="edge1", event="refused_budget"}`]: '0x8 0+300x20 6000x60',
      },
      quiet: '2m',
      firing: '7m',
      resolved: '15m',
    },
  },
];
