/** Packets and bytes, counted by the packet path. */
import type { MetricDefinition } from './definition.ts';

export const packetsMetrics = {
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
  forwardedPackets: {
    name: 'headrace_forwarded_packets_total',
    type: 'counter',
    labels: ['interface', 'egress'],
    help: 'Packets that XDP sent on, by the interfaces they came in by and left by, which need not have counted them. "other": beyond the first 63 interfaces.',
  },
  forwardedBytes: {
    name: 'headrace_forwarded_bytes_total',
    type: 'counter',
    labels: ['interface', 'egress'],
    help: 'Bytes of the frames counted in headrace_forwarded_packets_total, as they arrived, layer 2 included.',
  },
  transmitErrors: {
    name: 'headrace_transmit_errors_total',
    type: 'counter',
    labels: ['interface', 'cause'],
    help: 'Packets lost after the verdict (XDP_REDIRECT or XDP_TX), by the interface they should have left by. Pinned, as headrace_packets_total.',
  },
  transmitErrorsCounted: {
    name: 'headrace_transmit_errors_counted',
    type: 'gauge',
    labels: [],
    help: '1 while headrace_transmit_errors_total is kept, 0 where the programs that count it could not be loaded.',
  },
} as const satisfies Record<string, MetricDefinition>;
