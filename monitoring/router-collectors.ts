/** The values of what every box has: packets, interfaces, routes, neighbors, the daemon itself. */
import type { CounterRow, PathRow } from '../controlplane/dataplane/index.ts';
import type { Link, Neighbor } from '../controlplane/netlink/index.ts';
import type { PortState } from '../controlplane/ports/index.ts';
import type { Collectors } from './collector.ts';
import { type CountedStages, counterSamples, type Sample } from './counter-samples.ts';
import { routeProtocolName } from './routes.ts';

export interface MetricSources {
  readonly version: string;
  readonly kernel: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly counters: () => readonly CounterRow[];
  readonly paths: () => readonly PathRow[];
  readonly stages: () => CountedStages;
  /** Of `headrace status`. */
  readonly troubles: () => { readonly problems: readonly string[]; readonly notes: readonly string[] };
  readonly ports: () => readonly PortState[];
  readonly links: () => readonly Link[];
  readonly neighbors: () => readonly Neighbor[];
  /** Numbers of routes by "TABLE FAMILY PROTOCOL". */
  readonly routes: () => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>;
  readonly netlink: () => { readonly events: number; readonly overruns: number; readonly resyncs: number };
  /** How often and how long the packet path's program ran. */
  readonly program: () => { readonly runs: bigint; readonly runNs: bigint };
  /** Fill of maps, by name. */
  readonly maps: () => readonly { readonly name: string; readonly entries: number; readonly maxEntries: number }[];
  readonly reloads: () => {
    readonly success: number;
    readonly failure: number;
    /** Milliseconds since 1970. */
    readonly lastSuccessAt: number;
    readonly lastSuccessful: boolean;
  };
}

export function routerCollectors(sources: MetricSources): Collectors {
  const of = (value: number): Sample[] => [{ labels: {}, value }];
  const names = new Map<number, string>();
  const nameOf = (ifindex: number): string => names.get(ifindex) ?? String(ifindex);
  const counters = (): ReturnType<typeof counterSamples> =>
    counterSamples(
      sources.counters(),
      sources
        .ports()
        .filter((port) => port.mode !== 'none')
        .map((port) => port.name),
      sources.stages(),
    );

  // Packets and bytes come from one reading: prom-client collects in the order of registration.
  let counted = counters();
  let paths: readonly PathRow[] = [];
  const sent = (value: (row: PathRow) => bigint): Sample[] =>
    paths.map((row) => ({
      labels: { interface: row.from || 'other', egress: row.to || 'other' },
      value: Number(value(row)),
    }));
  return {
    packets: () => {
      counted = counters();
      return counted.packets;
    },
    bytes: () => counted.bytes,
    forwardedPackets: () => {
      paths = sources.paths();
      return sent(({ packets }) => packets);
    },
    forwardedBytes: () => sent(({ bytes }) => bytes),
    interfaceInfo: () =>
      sources.ports().map((port) => ({
        labels: {
          interface: port.name,
          driver: kindOf(sources.links(), port.ifindex),
          xdp_mode: port.mode,
          bond: bondOf(sources.links(), port.ifindex),
          vlan_of: port.vlan?.port ?? '',
        },
        value: 1,
      })),
    interfaceLeftToKernel: () =>
      sources.ports().map((port) => ({ labels: { interface: port.name }, value: port.kernel ? 1 : 0 })),
    interfaceTransmits: () =>
      sources.ports().map((port) => ({ labels: { interface: port.name }, value: port.transmits ? 1 : 0 })),
    links: () => tally(sources.links(), (link) => ({ state: !link.up ? 'down' : link.running ? 'up' : 'no_carrier' })),
    neighbors: () => {
      names.clear();
      for (const link of sources.links()) names.set(link.index, link.name);
      return tally(sources.neighbors(), (neighbor) => ({
        interface: nameOf(neighbor.ifindex),
        family: `ipv${neighbor.family}`,
        state: neighbor.state,
      }));
    },
    routes: async () => routeSamples(await sources.routes()),
    netlinkEvents: () => of(sources.netlink().events),
    netlinkOverruns: () => of(sources.netlink().overruns),
    netlinkResyncs: () => of(sources.netlink().resyncs),
    reloads: () => {
      const { success, failure } = sources.reloads();
      return [
        { labels: { result: 'success' }, value: success },
        { labels: { result: 'failure' }, value: failure },
      ];
    },
    lastReloadSuccessful: () => of(sources.reloads().lastSuccessful ? 1 : 0),
    lastReloadSuccess: () => of(sources.reloads().lastSuccessAt / 1000),
    programRuns: () => [{ labels: { program: 'headrace_xdp' }, value: Number(sources.program().runs) }],
    programSeconds: () => [{ labels: { program: 'headrace_xdp' }, value: Number(sources.program().runNs) / 1e9 }],
    mapEntries: () => sources.maps().map(({ name, entries }) => ({ labels: { map: name }, value: entries })),
    mapMaxEntries: () => sources.maps().map(({ name, maxEntries }) => ({ labels: { map: name }, value: maxEntries })),
    problems: () => of(sources.troubles().problems.length),
    notes: () => of(sources.troubles().notes.length),
    buildInfo: () => [
      { labels: { version: sources.version, kernel: sources.kernel, node: process.version }, value: 1 },
    ],
  };
}

/** How many there are of each set of labels. */
function tally<T>(items: readonly T[], labelsOf: (item: T) => Record<string, string>): Sample[] {
  const found = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const item of items) {
    const labels = labelsOf(item);
    const key = JSON.stringify(labels);
    const sample = found.get(key);
    if (sample) sample.value++;
    else found.set(key, { labels, value: 1 });
  }
  return [...found.values()];
}

function routeSamples(counts: ReadonlyMap<string, number>): Sample[] {
  return [...counts].map(([key, value]) => {
    const [table = '', family = '', protocol = ''] = key.split(' ');
    return { labels: { table, family: `ipv${family}`, protocol: routeProtocolName(Number(protocol)) }, value };
  });
}

function kindOf(links: readonly Link[], ifindex: number): string {
  return links.find((link) => link.index === ifindex)?.kind ?? 'physical';
}

function bondOf(links: readonly Link[], ifindex: number): string {
  const link = links.find(({ index }) => index === ifindex);
  return link?.masterKind === 'bond' ? (links.find(({ index }) => index === link.master)?.name ?? '') : '';
}
