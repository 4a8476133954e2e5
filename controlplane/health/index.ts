/** Health checks of backends: what to check, the monitor that does, and what it found. */
export { type Clock, monotonicClock, type Timer } from './clock.ts';
export { DurationHistogram, durationBucketsSeconds } from './duration-histogram.ts';
export {
  type CheckReport,
  type CheckWay,
  type HealthEvent,
  HealthMonitor,
  type MonitorOptions,
  type PoolChecks,
} from './monitor.ts';
export { type CheckResult, checkResults, type Outcome } from './outcome.ts';
export { type Destination, dnsCodes, dnsTypes, Probes, type Run } from './probes/index.ts';
export { Scheduler, type SchedulerOptions, type SchedulerStatistics } from './scheduler.ts';
export * from './spec.ts';
export { type CheckState, combine, initialState, isChanging, isPanic, nextState, type Verdict } from './verdict.ts';
