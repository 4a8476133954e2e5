/** Rules for Prometheus, as data: the files, the reference page and the tests are made of them. */

export interface AlertRule {
  /** CamelCase; the runbook's heading. */
  readonly name: string;
  readonly expr: string;
  /** How long it must hold: `1m`. */
  readonly for: string;
  readonly severity: 'critical' | 'warning' | 'info';
  /** A sentence with labels filled in by Prometheus. */
  readonly summary: string;
  /** What it means for traffic. */
  readonly means: string;
  /** What to look at and do, in order. */
  readonly steps: readonly string[];
  readonly test: AlertTest;
}

/** A course of events, in promtool's notation of a value every 15 seconds, and what the alert shall do. */
export interface AlertTest {
  readonly series: Readonly<Record<string, string>>;
  /** Not firing yet, firing, and firing no more: `2m30s` after the beginning. */
  readonly quiet: string;
  readonly firing: string;
  readonly resolved: string;
}

export interface RecordingRule {
  /** `level:metric:operations` (prometheus.io/docs/practices/rules). */
  readonly record: string;
  readonly expr: string;
  readonly means: string;
}
