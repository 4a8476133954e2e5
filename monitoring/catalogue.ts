/** Every metric there is: name, type, labels, meaning. The exporter and the reference page are made from this list. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly help: string;
}

export const catalogue = {
  packets: {
    name: 'headrace_packets_total',
    type: 'counter',
    labels: ['interface', 'verdict', 'reason'],
    help: 'Packets that arrived, by what became of them and why. Pinned: goes on over restarts of the daemon.',
  },
  bytes: {
    name: 'headrace_bytes_total',
    type: 'counter',
    labels: ['interface', 'verdict', 'reason'],
    help: 'Bytes of the frames counted in headrace_packets_total, as they arrived, layer 2 included.',
  },
  interfaceInfo: {
    name: 'headrace_interface_info',
    type: 'gauge',
    labels: ['interface', 'driver', 'xdp_mode'],
    help: 'Always 1. An interface that matches the configuration, and how it is attached: native, generic or none.',
  },
  interfaceTransmits: {
    name: 'headrace_interface_transmits',
    type: 'gauge',
    labels: ['interface'],
    help: '1 when the fast path may send out of this interface, 0 when the kernel does.',
  },
  links: {
    name: 'headrace_links',
    type: 'gauge',
    labels: ['state'],
    help: 'Network interfaces of the box, by state: up (with carrier), no_carrier, down.',
  },
  neighbors: {
    name: 'headrace_neighbors',
    type: 'gauge',
    labels: ['interface', 'family', 'state'],
    help: "Entries of the kernel's neighbor tables.",
  },
  routes: {
    name: 'headrace_routes',
    type: 'gauge',
    labels: ['table', 'family', 'protocol'],
    help: "Routes in the kernel's tables, by who put them there. Counted at most every ten seconds.",
  },
  netlinkEvents: {
    name: 'headrace_netlink_events_total',
    type: 'counter',
    labels: [],
    help: 'Notifications received from the kernel since the daemon started.',
  },
  netlinkOverruns: {
    name: 'headrace_netlink_overruns_total',
    type: 'counter',
    labels: [],
    help: 'Times that the kernel dropped notifications because they were not read fast enough.',
  },
  netlinkResyncs: {
    name: 'headrace_netlink_resyncs_total',
    type: 'counter',
    labels: [],
    help: 'Times that everything was listed anew after an overrun.',
  },
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
  buildInfo: {
    name: 'headrace_build_info',
    type: 'gauge',
    labels: ['version', 'kernel', 'node'],
    help: 'Always 1. What runs.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** docs/reference/metrics.md */
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
