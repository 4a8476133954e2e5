/**
 * The exporter: a registry of its own whose metrics are filled when Prometheus asks, from what the daemon and the
 * kernel say at that moment. Nothing is kept between two scrapes but the time-consuming count of routes.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CounterRow } from '../controlplane/dataplane/index.ts';
import type { Link, Neighbor } from '../controlplane/netlink/index.ts';
import type { PortState } from '../controlplane/ports/index.ts';
import { catalogue, type MetricDefinition } from './catalogue.ts';
import { counterSamples, type Sample } from './counter-samples.ts';
import { routeProtocolName } from './routes.ts';

export interface MetricSources {
  readonly version: string;
  readonly kernel: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly counters: () => readonly CounterRow[];
  readonly ports: () => readonly PortState[];
  readonly links: () => readonly Link[];
  readonly neighbors: () => readonly Neighbor[];
  /** Numbers of routes by "TABLE FAMILY PROTOCOL". */
  readonly routes: () => ReadonlyMap<string, number> | Promise<ReadonlyMap<string, number>>;
  readonly netlink: () => { readonly events: number; readonly overruns: number; readonly resyncs: number };
  readonly reloads: () => {
    readonly success: number;
    readonly failure: number;
    /** Milliseconds since 1970. */
    readonly lastSuccessAt: number;
    readonly lastSuccessful: boolean;
  };
}

type Samples = () => Iterable<Sample> | Promise<Iterable<Sample>>;
const ROUTES_KEPT_MS = 10_000;

export function createMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
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
    );

  // Packets and bytes come from one reading: prom-client collects in the order of registration.
  let counted = counters();
  register(registry, catalogue.packets, () => {
    counted = counters();
    return counted.packets;
  });
  register(registry, catalogue.bytes, () => counted.bytes);
  register(registry, catalogue.interfaceInfo, () =>
    sources.ports().map((port) => ({
      labels: { interface: port.name, driver: kindOf(sources.links(), port.ifindex), xdp_mode: port.mode },
      value: 1,
    })),
  );
  register(registry, catalogue.interfaceTransmits, () =>
    sources.ports().map((port) => ({ labels: { interface: port.name }, value: port.transmits ? 1 : 0 })),
  );
  register(registry, catalogue.links, () =>
    tally(sources.links(), (link) => ({ state: !link.up ? 'down' : link.running ? 'up' : 'no_carrier' })),
  );
  register(registry, catalogue.neighbors, () => {
    names.clear();
    for (const link of sources.links()) names.set(link.index, link.name);
    return tally(sources.neighbors(), (neighbor) => ({
      interface: nameOf(neighbor.ifindex),
      family: `ipv${neighbor.family}`,
      state: neighbor.state,
    }));
  });
  register(
    registry,
    catalogue.routes,
    keptFor(ROUTES_KEPT_MS, async () => routeSamples(await sources.routes())),
  );
  register(registry, catalogue.netlinkEvents, () => of(sources.netlink().events));
  register(registry, catalogue.netlinkOverruns, () => of(sources.netlink().overruns));
  register(registry, catalogue.netlinkResyncs, () => of(sources.netlink().resyncs));
  register(registry, catalogue.reloads, () => {
    const { success, failure } = sources.reloads();
    return [
      { labels: { result: 'success' }, value: success },
      { labels: { result: 'failure' }, value: failure },
    ];
  });
  register(registry, catalogue.lastReloadSuccessful, () => of(sources.reloads().lastSuccessful ? 1 : 0));
  register(registry, catalogue.lastReloadSuccess, () => of(sources.reloads().lastSuccessAt / 1000));
  register(registry, catalogue.buildInfo, () => [
    { labels: { version: sources.version, kernel: sources.kernel, node: process.version }, value: 1 },
  ]);
  collectDefaultMetrics({ register: registry, prefix: 'headrace_' });
  return registry;
}

function register(registry: Registry, definition: MetricDefinition, samples: Samples): void {
  const { name, help, labels } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (definition.type === 'counter')
    new Counter({
      ...options,
      async collect() {
        const found = await samples();
        this.reset();
        for (const { labels: at, value } of found) this.inc(at, value);
      },
    });
  else
    new Gauge({
      ...options,
      async collect() {
        const found = await samples();
        this.reset();
        for (const { labels: at, value } of found) this.set(at, value);
      },
    });
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

function keptFor(milliseconds: number, read: () => Promise<Sample[]>): () => Promise<Sample[]> {
  let kept: Promise<Sample[]> | undefined;
  let until = 0;
  return () => {
    if (!kept || Date.now() >= until) {
      until = Date.now() + milliseconds;
      kept = read();
      kept.catch(() => {
        kept = undefined;
      });
    }
    return kept;
  };
}
