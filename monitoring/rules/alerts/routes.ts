/** Following the kernel's routes. */
import { metric as m } from '../../dashboards/names.ts';
import type { AlertRule } from '../rule.ts';

export const routesAlerts: readonly AlertRule[] = [
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
    name: 'HeadraceMirrorCrowded',
    expr: `${m.mirrorCrowded} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'The tables of {{ $labels.family }} routes on {{ $labels.instance }} are full.',
    means: 'For {{ $value }} ranges of addresses the kernel is asked: right, and slower.',
    steps: [
      '`headrace status`: for which family, and how many routes there are',
      '"Route lookup" on the router dashboard',
    ],
    test: {
      series: {
        [`${m.mirrorCrowded}{instance="edge1", family="ipv6"}`]: '0x4 12x30 0x8',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
  },
  {
    name: 'HeadraceMirrorWorkerDied',
    expr: `increase(${m.mirrorWorkerDeaths}[10m]) > 0`,
    for: '0m',
    severity: 'warning',
    summary: 'The routing worker of {{ $labels.instance }} died and was started again.',
    means: 'Packets ask the kernel until all routes are read again. It may be memory, or a fault in Headrace.',
    steps: ['`journalctl -u headrace`: what did it say last?', 'is memory short? `MemoryMax` of the unit, and `dmesg`'],
    test: {
      series: {
        [`${m.mirrorWorkerDeaths}{instance="edge1"}`]: '0x8 1x60',
      },
      quiet: '2m',
      firing: '4m',
      resolved: '13m',
    },
  },
  {
    name: 'HeadraceNeighborsSurplus',
    expr: `${m.neighborsSurplus} > 0`,
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} neighbors of {{ $labels.instance }} are not kept resolved.',
    means:
      'There are more than `neighbors.limit`. The kernel resolves them when packets come, and a new MAC address may be learned late.',
    steps: ['`headrace neighbors`: does somebody scan an attached network?', 'raise `neighbors.limit`'],
    test: {
      series: {
        [`${m.neighborsSurplus}{instance="edge1"}`]: '0x4 40x30 0x8',
      },
      quiet: '3m',
      firing: '8m',
      resolved: '10m',
    },
  },
];
