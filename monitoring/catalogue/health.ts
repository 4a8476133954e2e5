/** Health checks of backends. */
import type { MetricDefinition } from './definition.ts';

export const healthMetrics = {
  healthChecks: {
    name: 'headrace_health_checks_total',
    type: 'counter',
    labels: ['pool', 'backend', 'check', 'result'],
    help: 'Checks done since the daemon started: success, failure, timeout, or error (trouble of this box, which counts for neither side).',
  },
  healthCheckDuration: {
    name: 'headrace_health_check_duration_seconds',
    type: 'histogram',
    labels: ['check'],
    help: 'How long checks took, by kind.',
  },
  backendHealth: {
    name: 'headrace_backend_health',
    type: 'gauge',
    labels: ['pool', 'backend', 'verdict'],
    help: '1 for the verdict of the checks: up, down or unknown (not decided yet).',
  },
  poolPanic: {
    name: 'headrace_pool_panic',
    type: 'gauge',
    labels: ['pool'],
    help: '1 while so few backends pass that all are used (check.panic).',
  },
  healthCheckLag: {
    name: 'headrace_health_check_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'The latest any check started after it was due, in the last half to whole minute.',
  },
} as const satisfies Record<string, MetricDefinition>;
