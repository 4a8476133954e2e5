/**
 * The exporter: a registry of its own whose metrics are filled when Prometheus asks, from what the daemon and the
 * kernel say at that moment.
 */
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { type CatalogueKey, catalogue, type MetricDefinition } from './catalogue/index.ts';
import type { Collector, Collectors } from './collector.ts';

/** @param collectors in the catalogue's order, which is that of the page. */
export function createMetrics(collectors: Collectors): Registry {
  const registry = new Registry();
  for (const key of Object.keys(catalogue) as CatalogueKey[]) {
    const collect = collectors[key];
    if (collect) register(registry, catalogue[key], collect);
  }
  collectDefaultMetrics({ register: registry, prefix: 'headrace_' });
  return registry;
}

function register(registry: Registry, definition: MetricDefinition, samples: Collector): void {
  const { name, help, labels } = definition;
  if (definition.type === 'histogram') {
    registry.registerMetric(counted(name, help, samples));
    return;
  }
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

/** A histogram that was counted elsewhere: prom-client's own can only count for itself. */
function counted(name: string, help: string, samples: Collector): Metric {
  const metric = {
    name,
    help,
    async get() {
      const values = [];
      for (const { labels, value, suffix = '' } of await samples())
        values.push({ labels, value, metricName: `${name}${suffix}` });
      return { name, help, type: 'histogram', values, aggregator: 'sum' };
    },
    reset: () => undefined,
  };
  return metric as unknown as Metric;
}
