/** The programs in the kernel and their maps. */
import type { MetricDefinition } from './definition.ts';

export const programsMetrics = {
  programRuns: {
    name: 'headrace_bpf_program_runs_total',
    type: 'counter',
    labels: ['program'],
    help: 'Runs of a program since it was loaded. 0 unless the sysctl kernel.bpf_stats_enabled is on, which costs some 20 ns a packet.',
  },
  programSeconds: {
    name: 'headrace_bpf_program_run_seconds_total',
    type: 'counter',
    labels: ['program'],
    help: 'Time spent in it. Divided by the runs: the cost of a packet.',
  },
  mapEntries: {
    name: 'headrace_bpf_map_entries',
    type: 'gauge',
    labels: ['map'],
    help: 'Entries of the maps whose fill can be told by a short look.',
  },
  mapMaxEntries: {
    name: 'headrace_bpf_map_max_entries',
    type: 'gauge',
    labels: ['map'],
    help: 'How many entries fit.',
  },
} as const satisfies Record<string, MetricDefinition>;
