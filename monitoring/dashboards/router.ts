/** Forwarding, interface by interface, and what it follows: routes, neighbors, netlink. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box, labelVariable } from './board.ts';
import { metric as m } from './names.ts';
import { series, stat, table } from './panels.ts';

const port = `${box}, interface=~"$interface"`;
const rate = (name: string, match = ''): string => `rate(${name}{${port}${match && `, ${match}`}}[$__rate_interval])`;

export function router(): Dashboard {
  return board({
    uid: 'headrace-router',
    title: 'Headrace / Router',
    description: 'Forwarding by interface, and the routes and neighbors it follows.',
  })
    .withVariable(labelVariable('interface', 'interface', m.interfaceInfo, 'Interface'))
    .withRow(new RowBuilder('Forwarding'))
    .withPanel(
      series({ title: 'Packets in, by interface', description: 'Packets a second that arrived.', unit: 'pps' }, [
        { expr: `sum by (interface) (${rate(m.packets)})`, legend: '{{interface}}' },
      ]),
    )
    .withPanel(
      series(
        { title: 'Bits in, by interface', description: 'Bits a second that arrived, layer 2 included.', unit: 'bps' },
        [{ expr: `8 * sum by (interface) (${rate(m.bytes)})`, legend: '{{interface}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Sent by the fast path, by interface',
          description: 'Packets a second that XDP sent out of it, whatever its driver counts.',
          unit: 'pps',
        },
        [
          {
            expr: `sum by (egress) (rate(${m.forwardedPackets}{${box}, egress=~"$interface"}[$__rate_interval]))`,
            legend: '{{egress}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Ways through the fast path',
          description: 'Packets a second, by the interface they came in by and the one they left by.',
          unit: 'pps',
        },
        [
          {
            expr: `topk(20, sum by (interface, egress) (${rate(m.forwardedPackets)}))`,
            legend: '{{interface}} to {{egress}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        { title: 'By verdict', description: 'What became of them.', unit: 'pps' },
        [{ expr: `sum by (verdict) (${rate(m.packets)})`, legend: '{{verdict}}' }],
        { stacked: true, colorsByVerdict: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Share of the fast path',
          description: 'Of the packets of each interface, those that never went through the kernel.',
          unit: 'percentunit',
        },
        [
          {
            expr: `1 - sum by (interface) (${rate(m.packets, 'verdict="pass"')}) / sum by (interface) (${rate(m.packets)})`,
            legend: '{{interface}}',
          },
        ],
        { most: 1 },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Left to the kernel, by reason',
          description:
            'no_neighbor: next hops not resolved. egress_unable: the other interface takes no XDP frames. netfilter: the operator’s rules would be skipped.',
          unit: 'pps',
          width: 24,
        },
        [{ expr: `sum by (reason) (${rate(m.packets, 'verdict="pass"')}) > 0`, legend: '{{reason}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Lost after the verdict',
          description:
            'Packets a second that XDP sent and that never left, by the interface they should have left by. queue_full: more than it can send. All other causes want mending: the list of alerts says how.',
          unit: 'pps',
          width: 24,
        },
        [
          {
            expr: `sum by (interface, cause) (${rate(m.transmitErrors)}) > 0`,
            legend: '{{interface}} {{cause}}',
          },
        ],
        { stacked: true },
      ),
    )
    .withRow(new RowBuilder('Interfaces'))
    .withPanel(
      table(
        { title: 'Attached', description: 'Interfaces of the configuration and how XDP runs on them.', unit: 'short' },
        { expr: `${m.interfaceInfo}{${port}}`, legend: '' },
        ['Value'],
        [{ column: 'interface', title: 'Only this interface', to: 'headrace-router', variable: 'interface' }],
      ),
    )
    .withPanel(
      series(
        { title: 'Links by state', description: 'All network interfaces of the box.', unit: 'short' },
        [{ expr: `sum by (state) (${m.links}{${box}})`, legend: '{{state}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      table(
        {
          title: 'Left to firewalls',
          description: 'Rules that the fast path would skip, by interface, and who handles those packets.',
          unit: 'short',
          width: 24,
        },
        { expr: `${m.firewallClaims}{${port}}`, legend: '' },
        ['Value'],
      ),
    )
    .withRow(new RowBuilder('Route lookup'))
    .withPanel(
      series(
        {
          title: 'Found by',
          description:
            'Packets a second that the fast path sent on, by who knew the way: the mirror of the routes, or the kernel (helper).',
          unit: 'pps',
        },
        [{ expr: `sum by (by) (rate(${m.fibLookups}{${box}}[$__rate_interval]))`, legend: '{{by}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Mirror in use',
          description:
            '1 while packets get their answer from it. 0: it is off, being read, behind, or kept out by policy rules; the kernel answers.',
          unit: 'short',
        },
        [{ expr: `max by (instance, family) (${m.mirrorValid}{${box}})`, legend: '{{instance}} {{family}}' }],
        { most: 1 },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Mirrored routes',
          description: 'Routes of the main and the local table that it knows.',
          unit: 'short',
        },
        [{ expr: `sum by (instance, family) (${m.mirrorRoutes}{${box}})`, legend: '{{instance}} {{family}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Lag of the mirror',
          description: 'The longest time of a second from a change to its being in the tables.',
          unit: 's',
        },
        [{ expr: `max by (instance) (${m.mirrorLag}{${box}})`, legend: '{{instance}}' }],
        { limits: { warn: 0.05, bad: 1 } },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Compared with the kernel',
          description:
            'Answers of the mirror that were compared, a second. difference: never; race: it differed for a moment.',
          unit: 'cps',
        },
        [{ expr: `sum by (result) (rate(${m.mirrorSamples}{${box}}[$__rate_interval]))`, legend: '{{result}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Read anew',
          description:
            'Times in an hour that all routes were read again, by cause; times that the kernel was asked because routes changed too fast; and deaths of the worker.',
          unit: 'short',
        },
        [
          { expr: `sum by (cause) (increase(${m.mirrorResyncs}{${box}}[1h]))`, legend: '{{cause}}' },
          { expr: `sum(increase(${m.mirrorLagged}{${box}}[1h]))`, legend: 'lagged' },
          { expr: `sum(increase(${m.mirrorWorkerDeaths}{${box}}[1h]))`, legend: 'worker died' },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Blocks of the tables',
          description:
            'used, free, and waiting for packets that may still read them. None free: the kernel is asked for what does not fit.',
          unit: 'short',
        },
        [{ expr: `sum by (family, state) (${m.mirrorGroups}{${box}})`, legend: '{{family}} {{state}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Crowded ranges',
          description: 'Ranges of addresses that the kernel is asked for because the tables are full.',
          unit: 'short',
        },
        [{ expr: `max by (instance, family) (${m.mirrorCrowded}{${box}})`, legend: '{{instance}} {{family}}' }],
        { limits: { warn: 1 } },
      ),
    )
    .withRow(new RowBuilder('Routes and neighbors'))
    .withPanel(
      series(
        { title: 'Routes by protocol', description: 'In the kernel, by who put them there.', unit: 'short' },
        [{ expr: `sum by (family, protocol) (${m.routes}{${box}})`, legend: '{{family}} {{protocol}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Neighbors by state',
          description:
            'Entries of the kernel. Many that are incomplete or failed: somebody scans, or a next hop is gone.',
          unit: 'short',
        },
        [{ expr: `sum by (state) (${m.neighbors}{${box}})`, legend: '{{state}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Neighbors kept resolved',
          description:
            'Gateways of routes and hosts of attached networks that are kept resolved, and whether they are.',
          unit: 'short',
        },
        [{ expr: `sum by (use, resolved) (${m.managedNeighbors}{${box}})`, legend: '{{use}}, resolved: {{resolved}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Neighbors that failed',
          description:
            'Kept neighbors that ceased to answer, in an hour, and those that are not kept because there are too many.',
          unit: 'short',
        },
        [
          { expr: `sum by (interface) (increase(${m.neighborFailures}{${port}}[1h]))`, legend: '{{interface}}' },
          { expr: `sum(${m.neighborsSurplus}{${box}})`, legend: 'not kept' },
        ],
      ),
    )
    .withPanel(
      series(
        { title: 'Netlink', description: 'Notifications from the kernel: a storm of routes shows here.', unit: 'cps' },
        [{ expr: `sum by (instance) (rate(${m.netlinkEvents}{${box}}[$__rate_interval]))`, legend: '{{instance}}' }],
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Overruns',
          description: 'Times in the range shown that notifications were lost and everything was listed anew.',
          unit: 'short',
          width: 6,
          height: 8,
        },
        { expr: `sum(increase(${m.netlinkOverruns}{${box}}[$__range]))`, legend: 'overruns' },
        { warn: 1 },
      ),
    )
    .build();
}
