/**
 * The exporter: a registry of its own whose metrics are filled when Prometheus asks, from what the daemon and the
 * kernel say at that moment.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
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
