/** The daemon itself: what runs, and what it was configured with. */
import type { MetricDefinition } from './definition.ts';

export const processMetrics = {
  reloads: {
    name: 'headrace_config_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Reloads of the configuration: success or failure.',
  },
  lastReloadSuccessful: {
    name: 'headrace_config_last_reload_successful',
    type: 'gauge',
    labels: [],
    help: '1 when the last reload (or the start) took effect, 0 when it was refused.',
  },
  lastReloadSuccess: {
    name: 'headrace_config_last_reload_success_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the configuration in force was read, in Unix time.',
  },
  problems: {
    name: 'headrace_problems',
    type: 'gauge',
    labels: [],
    help: 'What makes the box unwell, as headrace status lists it.',
  },
  notes: {
    name: 'headrace_notes',
    type: 'gauge',
    labels: [],
    help: 'What works as configured and should be known, as headrace status lists it.',
  },
  collectorErrors: {
    name: 'headrace_collector_errors_total',
    type: 'counter',
    labels: ['metric'],
    help: 'Times that a metric could not be collected, and was left out of a scrape.',
  },
  buildInfo: {
    name: 'headrace_build_info',
    type: 'gauge',
    labels: ['version', 'kernel', 'node'],
    help: 'Always 1. What runs.',
  },
} as const satisfies Record<string, MetricDefinition>;
