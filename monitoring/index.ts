/** What Headrace tells Prometheus. */
export { type CatalogueKey, catalogue, type MetricDefinition } from './catalogue/index.ts';
export { metricsReference } from './catalogue/reference.ts';
export type { Collector, Collectors } from './collector.ts';
export { counterSamples, type Sample } from './counter-samples.ts';
export { createMetrics } from './exporter.ts';
export { type MetricSources, routerCollectors } from './router-collectors.ts';
export { countRoutes } from './routes.ts';
