/** docs/reference/metrics.md, from the catalogue. */
import { catalogue } from './index.ts';

export function metricsReference(): string {
  return [
    '# Metrics',
    '',
    'At `http://127.0.0.1:9469/metrics` unless `metrics.listen` says otherwise, in the Prometheus text format. Besides',
    "these there are the process's own (`headrace_process_…`, `headrace_nodejs_…`).",
    '',
    '| name | type | labels | meaning |',
    '| --- | --- | --- | --- |',
    ...Object.values(catalogue).map(
      (metric) => `| \`${metric.name}\` | ${metric.type} | ${metric.labels.join(', ')} | ${metric.help} |`,
    ),
    '',
  ].join('\n');
}
