/**
 * Views of the packet counters that operators ask for again and again. Over five minutes: with a scrape a minute, as
 * Prometheus has it by default, a shorter range holds too few samples for a rate.
 */
import { metric as m } from '../dashboards/names.ts';
import type { RecordingRule } from './rule.ts';

export const recordingRules: readonly RecordingRule[] = [
  {
    record: 'instance_verdict:headrace_packets:rate5m',
    expr: `sum by (instance, verdict) (rate(${m.packets}[5m]))`,
    means: 'Packets a second, by verdict.',
  },
  {
    record: 'instance_interface:headrace_packets:rate5m',
    expr: `sum by (instance, interface) (rate(${m.packets}[5m]))`,
    means: 'Packets a second that arrived, by interface.',
  },
  {
    record: 'instance_interface:headrace_bytes:rate5m',
    expr: `sum by (instance, interface) (rate(${m.bytes}[5m]))`,
    means: 'Bytes a second that arrived, by interface.',
  },
  {
    record: 'instance_reason:headrace_drops:rate5m',
    expr: `sum by (instance, reason) (rate(${m.packets}{verdict=~"drop|aborted"}[5m]))`,
    means: 'Packets a second that the fast path dropped, by reason.',
  },
  {
    record: 'instance_reason:headrace_punts:rate5m',
    expr: `sum by (instance, reason) (rate(${m.packets}{verdict="pass"}[5m]))`,
    means: 'Packets a second left to the kernel, by reason.',
  },
  {
    record: 'instance:headrace_fast_path:ratio5m',
    expr: `1 - sum by (instance) (rate(${m.packets}{verdict="pass"}[5m])) / sum by (instance) (rate(${m.packets}[5m]))`,
    means: 'Share of all packets that never went through the kernel.',
  },
];
