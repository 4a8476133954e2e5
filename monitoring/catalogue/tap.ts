/** Captures and flow samples. */
import type { MetricDefinition } from './definition.ts';

export const tapMetrics = {
  sflowSamples: {
    name: 'headrace_sflow_samples_total',
    type: 'counter',
    labels: [],
    help: 'Packets sampled for sFlow collectors since the daemon started.',
  },
  sflowDatagrams: {
    name: 'headrace_sflow_datagrams_total',
    type: 'counter',
    labels: [],
    help: 'Datagrams sent to sFlow collectors since the daemon started.',
  },
  sflowErrors: {
    name: 'headrace_sflow_send_errors_total',
    type: 'counter',
    labels: [],
    help: 'Datagrams that could not be sent to an sFlow collector.',
  },
  sflowLost: {
    name: 'headrace_sflow_samples_lost_total',
    type: 'counter',
    labels: [],
    help: 'Samples lost because the daemon did not read them fast enough, since sampling was switched on.',
  },
  captureActive: {
    name: 'headrace_capture_active',
    type: 'gauge',
    labels: [],
    help: '1 while a capture runs: packets cost more then.',
  },
} as const satisfies Record<string, MetricDefinition>;
