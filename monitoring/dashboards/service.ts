/** One service and the backends of its pool. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box, labelVariable } from './board.ts';
import { metric as m } from './names.ts';
import { series, stat, table } from './panels.ts';

const service = `${box}, service="$service"`;
/** Only of the service's pool, which a service tells of itself, on boxes that have it. */
const ofPool = (expr: string): string => `${expr} and on (instance, pool) ${m.serviceInfo}{${service}}`;

export function oneService(): Dashboard {
  return board({
    uid: 'headrace-service',
    title: 'Headrace / One service',
    description: 'One service, and the backends of its pool.',
  })
    .withVariable(labelVariable('service', 'service', m.serviceInfo, 'Service').multi(false).includeAll(false))
    .withRow(new RowBuilder('$service'))
    .withPanel(
      stat(
        { title: 'State', description: 'Up while enough backends can take connections.', unit: 'short' },
        { expr: `min(${m.serviceUp}{${service}})`, legend: 'up' },
        { below: true, bad: 1 },
        { '0': 'down', '1': 'up' },
      ),
    )
    .withPanel(
      stat(
        { title: 'Quorum', description: 'Weight that can take connections, of all.', unit: 'percentunit' },
        { expr: `min(${m.serviceQuorum}{${service}})`, legend: 'quorum' },
        { below: true, bad: 0.5, warn: 0.75 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Packets', description: "Clients' packets a second.", unit: 'pps' },
        { expr: `sum(rate(${m.servicePackets}{${service}}[$__rate_interval]))`, legend: 'packets' },
      ),
    )
    .withPanel(
      stat(
        { title: 'Bits', description: 'Bits a second, layer 2 included.', unit: 'bps' },
        { expr: `8 * sum(rate(${m.serviceBytes}{${service}}[$__rate_interval]))`, legend: 'bits' },
      ),
    )
    .withPanel(
      stat(
        { title: 'New connections', description: 'SYNs a second.', unit: 'cps' },
        { expr: `sum(rate(${m.serviceConnections}{${service}}[$__rate_interval]))`, legend: 'connections' },
      ),
    )
    .withPanel(
      stat(
        { title: 'Ready', description: 'Whether its VIPs may be announced.', unit: 'short' },
        { expr: `min(${m.serviceReady}{${service}})`, legend: 'ready' },
        { below: true, bad: 1 },
        { '0': 'not yet', '1': 'ready' },
      ),
    )
    .withRow(new RowBuilder('Backends'))
    .withPanel(
      series(
        { title: 'Packets by backend', description: 'Sent to each backend of the pool.', unit: 'pps' },
        [
          {
            expr: `sum by (backend) (${ofPool(`sum by (instance, pool, backend) (rate(${m.backendPackets}{${box}}[$__rate_interval]))`)})`,
            legend: '{{backend}}',
          },
        ],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'New connections by backend',
          description: 'Should lie as the shares of the ring do.',
          unit: 'cps',
        },
        [
          {
            expr: `sum by (backend) (${ofPool(`sum by (instance, pool, backend) (rate(${m.backendConnections}{${box}}[$__rate_interval]))`)})`,
            legend: '{{backend}}',
          },
        ],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        { title: 'Share of the ring', description: 'Slots that each backend owns.', unit: 'percentunit' },
        [
          {
            expr: `avg by (backend) (${ofPool(`sum by (instance, pool, backend) (${m.backendShare}{${box}})`)})`,
            legend: '{{backend}}',
          },
        ],
        { stacked: true },
      ),
    )
    .withPanel(
      table(
        { title: 'States', description: 'The state each backend is in.', unit: 'short' },
        { expr: ofPool(`max by (instance, pool, backend, state) (${m.backendState}{${box}} == 1)`), legend: '' },
        ['Value'],
      ),
    )
    .build();
}
