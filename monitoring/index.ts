/** What Headrace tells Prometheus. */

export { balancerCollectors, type RunningBalancer } from './balancer-collectors.ts';
export { PcapngWriter } from './capture/pcapng.ts';
export { type CatalogueKey, catalogue, type MetricDefinition } from './catalogue/index.ts';
export { metricsReference } from './catalogue/reference.ts';
export type { Collector, Collectors } from './collector.ts';
export { counterSamples, type Sample } from './counter-samples.ts';
export { type CollectorFailed, createMetrics, Exporter, type Family } from './exporter.ts';
export { type FibSource, fibCollectors } from './fib-collectors.ts';
export { agentAddressOf } from './flow-export/agent-address.ts';
export { type InterfaceCounters, interfaceCounters } from './flow-export/interface-counters.ts';
export { SflowAgent } from './flow-export/sflow.ts';
export { type HealthSource, healthCollectors, poolsInPanic } from './health-collectors.ts';
export { natCollectors } from './nat-collectors.ts';
export { parseNetDev, readNetDev } from './net-dev.ts';
export { type MetricSources, routerCollectors } from './router-collectors.ts';
export { countRoutes, RouteCounter } from './routes.ts';
export { SEPARATOR, type SessionSources, sessionCollectors } from './session-collectors.ts';
