/** BIRD and FRR: sessions and routes. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box } from './board.ts';
import { metric as m } from './names.ts';
import { series, stat, table } from './panels.ts';

export function daemons(): Dashboard {
  return board({
    uid: 'headrace-daemons',
    title: 'Headrace / Routing daemons',
    description: 'BIRD and FRR: their sessions, and what they put into the kernel.',
  })
    .withRow(new RowBuilder('Sessions'))
    .withPanel(
      stat(
        { title: 'Established', description: 'BGP sessions that are up.', unit: 'short', width: 6 },
        { expr: `sum(${m.bgpSessionUp}{${box}})`, legend: 'up' },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Not established',
          description: 'BGP sessions that are not, and that nobody has switched off.',
          unit: 'short',
          width: 6,
        },
        {
          expr: `count(${m.bgpSessionUp}{${box}} == 0 and ${m.bgpSessionEnabled}{${box}} == 1) or vector(0)`,
          legend: 'down',
        },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Daemons silent',
          description: 'BIRD or FRR did not answer when asked.',
          unit: 'short',
          width: 6,
        },
        { expr: `count(${m.routingDaemonUp}{${box}} == 0) or vector(0)`, legend: 'silent' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Lost', description: 'Sessions that went down in the range shown.', unit: 'short', width: 6 },
        { expr: `sum(increase(${m.bgpSessionTransitions}{${box}, to="down"}[$__range])) or vector(0)`, legend: 'lost' },
        { warn: 1 },
      ),
    )
    .withPanel(
      table(
        { title: 'Sessions', description: '1 is established.', unit: 'short' },
        { expr: `${m.bgpSessionUp}{${box}}`, legend: '' },
      ),
    )
    .withPanel(
      series(
        { title: 'Prefixes by session', description: 'Routes taken from and given to each neighbor.', unit: 'short' },
        [
          {
            expr: `sum by (session, family, direction) (${m.bgpSessionPrefixes}{${box}})`,
            legend: '{{session}} {{family}} {{direction}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Established for',
          description: 'Time since each session became established; missing where its daemon does not tell it whole.',
          unit: 's',
        },
        [{ expr: `time() - ${m.bgpSessionEstablished}{${box}}`, legend: '{{instance}} {{session}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Ups and downs',
          description: 'Times in an hour that sessions became established, or ceased to be.',
          unit: 'short',
        },
        [
          {
            expr: `sum by (session, to) (increase(${m.bgpSessionTransitions}{${box}}[1h]))`,
            legend: '{{session}} {{to}}',
          },
        ],
      ),
    )
    .withRow(new RowBuilder('Kernel'))
    .withPanel(
      series(
        {
          title: 'Routes by protocol',
          description: 'What the daemons put into the kernel, by table.',
          unit: 'short',
          width: 24,
        },
        [{ expr: `sum by (table, protocol) (${m.routes}{${box}})`, legend: '{{table}} {{protocol}}' }],
      ),
    )
    .build();
}
