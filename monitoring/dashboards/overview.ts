/** Is all well, and how much goes through? One screen for all boxes. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box } from './board.ts';
import { metric as m } from './names.ts';
import { series, stat, table } from './panels.ts';

const rate = (name: string, match = ''): string => `rate(${name}{${box}${match && `, ${match}`}}[$__rate_interval])`;

export function overview(): Dashboard {
  return board({
    uid: 'headrace-overview',
    title: 'Headrace / Overview',
    description: 'Whether all is well, and how much goes through.',
  })
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat(
        {
          title: 'Boxes',
          description: 'Boxes whose daemon answered at the last scrape.',
          unit: 'short',
          width: 4,
        },
        { expr: `count(${m.buildInfo}{${box}})`, legend: 'boxes' },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Problems',
          description: 'What makes boxes unwell, as `headrace status` lists it there.',
          unit: 'short',
        },
        { expr: `sum(${m.problems}{${box}})`, legend: 'problems' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Forwarded',
          description: 'Packets a second that left by the fast path.',
          unit: 'pps',
          width: 4,
        },
        { expr: `sum(${rate(m.packets, 'verdict=~"tx|redirect"')})`, legend: 'forwarded' },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Fast path',
          description:
            'Share of all packets that never went through the kernel. What is for the box itself belongs to the kernel.',
          unit: 'percentunit',
          width: 4,
        },
        {
          expr: `1 - sum(${rate(m.packets, 'verdict="pass"')}) / sum(${rate(m.packets)})`,
          legend: 'share',
        },
        { below: true, bad: 0.5, warn: 0.9 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Dropped',
          description: 'Packets a second that the fast path dropped. What the kernel drops is not in it.',
          unit: 'pps',
          width: 4,
        },
        { expr: `sum(${rate(m.packets, 'verdict=~"drop|aborted"')}) or vector(0)`, legend: 'dropped' },
        { warn: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Lost after the verdict',
          description: 'Packets a second that XDP sent and that no interface took. The router dashboard says why.',
          unit: 'pps',
          width: 4,
        },
        { expr: `sum(${rate(m.transmitErrors)})`, legend: 'lost' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Interfaces not native',
          description:
            'Interfaces of the configuration on which XDP does not run in the driver: the kernel forwards there, or generic mode.',
          unit: 'short',
          width: 4,
        },
        { expr: `count(${m.interfaceInfo}{${box}, xdp_mode!="native"}) or vector(0)`, legend: 'interfaces' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Services down',
          description: 'Services with too few backends, on all boxes: their VIPs are withdrawn.',
          unit: 'short',
          width: 4,
        },
        { expr: `count(${m.serviceUp}{${box}} == 0) or vector(0)`, legend: 'services' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Backends down', description: 'Backends whose checks fail.', unit: 'short' },
        { expr: `sum(${m.backendState}{${box}, state="down"}) or vector(0)`, legend: 'backends' },
        { warn: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Sessions down',
          description: 'BGP sessions that are not established although nobody has switched them off.',
          unit: 'short',
        },
        {
          expr: `count(${m.bgpSessionUp}{${box}} == 0 and ${m.bgpSessionEnabled}{${box}} == 1) or vector(0)`,
          legend: 'sessions',
        },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'VIPs not as wanted',
          description: 'VIPs that shall be announced and are not, or the other way round.',
          unit: 'short',
        },
        { expr: `count(${m.vipAnnounceWanted}{${box}} != ${m.vipAnnounced}{${box}}) or vector(0)`, legend: 'VIPs' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Configuration',
          description: 'Whether the last reload took effect on every box.',
          unit: 'short',
          width: 4,
        },
        { expr: `min(${m.lastReloadSuccessful}{${box}})`, legend: 'configuration' },
        { below: true, bad: 1 },
        { '0': 'refused', '1': 'in force' },
      ),
    )
    .withRow(new RowBuilder('Traffic'))
    .withPanel(
      series(
        { title: 'Packets by verdict', description: 'What became of the packets that arrived.', unit: 'pps' },
        [{ expr: `sum by (verdict) (${rate(m.packets)})`, legend: '{{verdict}}' }],
        { stacked: true, colorsByVerdict: true },
      ),
    )
    .withPanel(
      series({ title: 'Bits by box', description: 'Bits a second that arrived, layer 2 included.', unit: 'bps' }, [
        { expr: `8 * sum by (instance) (${rate(m.bytes)})`, legend: '{{instance}}' },
      ]),
    )
    .withPanel(
      series(
        {
          title: 'Left to the kernel, by reason',
          description:
            'Why packets went through the kernel. local is for the box itself; the others are worth a look when they grow.',
          unit: 'pps',
        },
        [{ expr: `topk(8, sum by (reason) (${rate(m.packets, 'verdict="pass"')}))`, legend: '{{reason}}' }],
      ),
    )
    .withPanel(
      table(
        { title: 'Boxes', description: 'What runs where.', unit: 'short' },
        { expr: `${m.buildInfo}{${box}}`, legend: '' },
        ['Value'],
        [{ column: 'box', title: 'This box', to: 'headrace-machine', variable: 'instance' }],
      ),
    )
    .build();
}
