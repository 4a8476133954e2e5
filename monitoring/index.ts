/** What Headrace tells Prometheus. */
export { catalogue, type MetricDefinition, metricsReference } from './catalogue.ts';
export { counterSamples, type Sample } from './counter-samples.ts';
export { createMetrics, type MetricSources } from './exporter.ts';
export { countRoutes } from './routes.ts';
