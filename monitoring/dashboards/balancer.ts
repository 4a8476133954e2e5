/** Services and backends, all of them. */
import { type Dashboard, RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, box, labelVariable } from './board.ts';
import { metric as m } from './names.ts';
import { series, stat, table } from './panels.ts';

const service = `${box}, service=~"$service"`;

export function balancer(): Dashboard {
  return board({
    uid: 'headrace-balancer',
    title: 'Headrace / Load balancer',
    description: 'All services and backends, and what moves between them.',
  })
    .withVariable(labelVariable('service', 'service', m.serviceInfo, 'Service'))
    .withRow(new RowBuilder('Now'))
    .withPanel(
      stat(
        { title: 'Services up', description: 'Services with enough backends.', unit: 'short' },
        { expr: `sum(${m.serviceUp}{${service}})`, legend: 'up' },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Services down',
          description: 'Services below their quorum: their VIPs are withdrawn.',
          unit: 'short',
        },
        { expr: `count(${m.serviceUp}{${service}} == 0) or vector(0)`, legend: 'down' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        { title: 'Backends down', description: 'Backends whose checks fail.', unit: 'short' },
        { expr: `sum(${m.backendState}{${box}, state="down"}) or vector(0)`, legend: 'down' },
        { warn: 1 },
      ),
    )
    .withPanel(
      stat(
        { title: 'New connections', description: 'TCP: SYNs a second, whatever became of them.', unit: 'cps' },
        { expr: `sum(rate(${m.serviceConnections}{${service}}[$__rate_interval]))`, legend: 'connections' },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Backends out of reach',
          description: 'Backends whose next hop is not resolved: packets for them are dropped.',
          unit: 'short',
        },
        { expr: `count(${m.backendReachable}{${box}} == 0) or vector(0)`, legend: 'backends' },
        { bad: 1 },
      ),
    )
    .withPanel(
      stat(
        {
          title: 'Connection table',
          description:
            'Fill of the table of connections that are remembered while slots move. Empty while nothing moves.',
          unit: 'percentunit',
        },
        { expr: `max(${m.connectionEntries}{${box}} / ${m.connectionMax}{${box}})`, legend: 'fill' },
        { warn: 0.5, bad: 0.8 },
      ),
    )
    .withRow(new RowBuilder('Services'))
    .withPanel(
      series({ title: 'Packets by service', description: "Clients' packets a second.", unit: 'pps' }, [
        { expr: `sum by (service) (rate(${m.servicePackets}{${service}}[$__rate_interval]))`, legend: '{{service}}' },
      ]),
    )
    .withPanel(
      series({ title: 'Bits by service', description: 'Bits a second, layer 2 included.', unit: 'bps' }, [
        {
          expr: `8 * sum by (service) (rate(${m.serviceBytes}{${service}}[$__rate_interval]))`,
          legend: '{{service}}',
        },
      ]),
    )
    .withPanel(
      series(
        {
          title: 'Quorum',
          description: 'Weight of the backends that can take connections, of the weight of all.',
          unit: 'percentunit',
        },
        [{ expr: `min by (service) (${m.serviceQuorum}{${service}})`, legend: '{{service}}' }],
        { most: 1 },
      ),
    )
    .withPanel(
      table(
        { title: 'Services', description: 'What each takes, and how it forwards.', unit: 'short' },
        { expr: `${m.serviceInfo}{${service}}`, legend: '' },
        ['Value'],
        [{ column: 'service', title: 'This service', to: 'headrace-service', variable: 'service' }],
      ),
    )
    .withRow(new RowBuilder('Health checks'))
    .withPanel(
      series(
        {
          title: 'Checks by result',
          description: 'Checks a second. error: trouble of this box, which counts for neither side.',
          unit: 'cps',
        },
        [{ expr: `sum by (result) (rate(${m.healthChecks}{${box}}[$__rate_interval]))`, legend: '{{result}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Duration of checks, 95 %',
          description:
            'How long all but the slowest twentieth took, by kind. Near the timeout of a check it says that backends are close to failing.',
          unit: 's',
        },
        [
          {
            expr: `histogram_quantile(0.95, sum by (check, le) (rate(${m.healthCheckDuration}_bucket{${box}}[$__rate_interval])))`,
            legend: '{{check}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Verdicts',
          description: 'Backends by what their checks say; unknown ones are not decided yet.',
          unit: 'short',
        },
        [{ expr: `sum by (verdict) (${m.backendHealth}{${box}})`, legend: '{{verdict}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Late checks, and panic',
          description:
            'The latest any check started after it was due; and pools that use all backends because so few pass.',
          unit: 's',
        },
        [
          { expr: `max by (instance) (${m.healthCheckLag}{${box}})`, legend: '{{instance}} lag' },
          { expr: `sum by (pool) (${m.poolPanic}{${box}}) > 0`, legend: '{{pool}} in panic' },
        ],
        { limits: { warn: 1 } },
      ),
    )
    .withRow(new RowBuilder('Announcements'))
    .withPanel(
      series(
        {
          title: 'VIPs',
          description:
            'Those that shall be announced, and those with a route in the announcement table: the lines should lie on each other.',
          unit: 'short',
        },
        [
          { expr: `sum(${m.vipAnnounceWanted}{${box}})`, legend: 'wanted' },
          { expr: `sum(${m.vipAnnounced}{${box}})`, legend: 'announced' },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Given to',
          description: 'Established BGP sessions that each VIP is given to. 0: nobody hears of it from this box.',
          unit: 'short',
        },
        [{ expr: `sum by (instance, vip) (${m.vipExportedPeers}{${box}})`, legend: '{{instance}} {{vip}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Changes of announcements',
          description: 'In an hour, by reason. restored: somebody had deleted the route.',
          unit: 'short',
          width: 24,
        },
        [{ expr: `sum by (reason) (increase(${m.vipAnnouncementChanges}{${box}}[1h]))`, legend: '{{reason}}' }],
      ),
    )
    .withRow(new RowBuilder('What moves'))
    .withPanel(
      series(
        {
          title: 'Slots that move',
          description:
            'Slots of rings that are settling (new connections go to the new backend, old ones to the old) or pinned (remembered connections only). None while nothing changes.',
          unit: 'short',
        },
        [
          {
            expr: `sum by (pool, phase) (${m.ringSlots}{${box}, phase!="steady"})`,
            legend: '{{pool}} {{phase}}',
          },
        ],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Remembered connections',
          description: 'By backend: what a draining backend still has.',
          unit: 'short',
        },
        [
          {
            expr: `topk(10, sum by (pool, backend) (${m.backendRemembered}{${box}}))`,
            legend: '{{pool}}/{{backend}}',
          },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Balance stage',
          description: 'Connections remembered, found and refused; refused ones go to the backend the slot had before.',
          unit: 'cps',
        },
        [{ expr: `sum by (event) (rate(${m.balancerEvents}{${box}}[$__rate_interval]))`, legend: '{{event}}' }],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Dropped by the fast path, by reason',
          description: 'Packets of services that no backend could take are dropped, never routed on.',
          unit: 'pps',
        },
        [
          {
            expr: `sum by (reason) (rate(${m.packets}{${box}, verdict="drop"}[$__rate_interval]))`,
            legend: '{{reason}}',
          },
        ],
      ),
    )
    .withRow(new RowBuilder('Translated connections (mode nat)'))
    .withPanel(
      series(
        {
          title: 'Connections by state',
          description:
            'As of the last walk through the tables. Many that are opening and few established: a flood, or servers that do not answer.',
          unit: 'short',
        },
        [{ expr: `sum by (state) (${m.natConnections}{${box}})`, legend: '{{state}}' }],
        { stacked: true },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Fill of the tables',
          description:
            'flows: confirmed connections; when it is full, new ones are not kept. opening: those that begin; when it is full, the oldest make room.',
          unit: 'percentunit',
        },
        [
          {
            expr: `max by (instance, table) (${m.natEntries}{${box}} / ${m.natMaxEntries}{${box}})`,
            legend: '{{instance}} {{table}}',
          },
        ],
        { most: 1, limits: { warn: 0.5, bad: 0.8 } },
      ),
    )
    .withPanel(
      series(
        {
          title: 'Begun and ended',
          description:
            'Connections a second: remembered for their first packet, confirmed by both sides, and taken out by a walk after their idle time.',
          unit: 'cps',
        },
        [
          {
            expr: `sum by (event) (rate(${m.natEvents}{${box}, event=~"begun|established"}[$__rate_interval]))`,
            legend: '{{event}}',
          },
          { expr: `sum(rate(${m.natSwept}{${box}}[$__rate_interval]))`, legend: 'taken out' },
        ],
      ),
    )
    .withPanel(
      series(
        {
          title: 'Refused',
          description:
            'refused_budget: too many began in a second. refused_full: confirmed, and no room. ports: no port was free. given_up: the server was down, so it went to another.',
          unit: 'cps',
        },
        [
          {
            expr: `sum by (event) (rate(${m.natEvents}{${box}, event=~"refused_.*|ports|given_up"}[$__rate_interval]))`,
            legend: '{{event}}',
          },
        ],
      ),
    )
    .build();
}
