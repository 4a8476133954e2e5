/** Values of the metrics about health checks. */
import { type CheckReport, checkResults, durationBucketsSeconds } from '../controlplane/health/index.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';
import { type Column, KeptTable } from './table.ts';

/** What is asked of a HealthMonitor. */
export interface HealthSource {
  report(): readonly CheckReport[];
  readonly histograms: ReadonlyMap<string, { readonly counts: ArrayLike<number>; readonly sumSeconds: number }>;
  readonly schedule: { readonly maxLagMs: number };
}

const verdicts = ['up', 'down', 'unknown'] as const;

/** @param pools names of those that are checked. */
export function healthCollectors(source: HealthSource, pools: () => readonly string[]): Collectors {
  // All families of a scrape come from one report: results are asked for first.
  let report: readonly CheckReport[] = [];
  const checks = new KeptTable<CheckReport>(
    (a, b) => a.backend === b.backend && a.pool === b.pool && a.kind === b.kind,
    ({ pool, backend, kind }) => ({ pool, backend, check: kind }),
  );
  const backends = new KeptTable<BackendVerdict>(
    (a, b) => a.backend === b.backend && a.pool === b.pool,
    ({ pool, backend }) => ({ pool, backend }),
  );
  return {
    healthChecks: () => {
      report = source.report();
      const fill = (values: Float64Array, row: number, at: number): void => {
        const { counts } = report[row]!;
        for (let i = 0; i < checkResults.length; i++) values[at + i] = counts[checkResults[i]!];
      };
      return [checks.of(report).column(fill, 'result', checkResults)];
    },
    healthCheckDuration: () => histogram(source),
    backendHealth: (): Column[] => {
      const found = verdictsOf(report);
      const fill = (values: Float64Array, row: number, at: number): void => {
        values[at + verdicts.indexOf(found[row]!.verdict)] = 1;
      };
      return [backends.of(found).column(fill, 'verdict', verdicts)];
    },
    poolPanic: () => {
      const panic = poolsInPanic(report);
      return pools().map((pool) => ({ labels: { pool }, value: panic.has(pool) ? 1 : 0 }));
    },
    healthCheckLag: () => [{ labels: {}, value: source.schedule.maxLagMs / 1000 }],
  };
}

export function poolsInPanic(report: readonly CheckReport[]): Set<string> {
  const found = new Set<string>();
  for (const { pool, panic } of report) if (panic) found.add(pool);
  return found;
}

interface BackendVerdict {
  readonly pool: string;
  readonly backend: string;
  verdict: CheckReport['verdict'];
}

/** Each backend once, down when one of its checks is. A report has the checks of a backend one after another. */
function verdictsOf(report: readonly CheckReport[]): readonly BackendVerdict[] {
  const found: BackendVerdict[] = [];
  let last: BackendVerdict | undefined;
  for (const { pool, backend, verdict } of report) {
    if (last?.backend === backend && last.pool === pool) {
      if (verdict === 'down' || (verdict === 'unknown' && last.verdict === 'up')) last.verdict = verdict;
    } else {
      last = { pool, backend, verdict };
      found.push(last);
    }
  }
  return found;
}

function histogram({ histograms }: HealthSource): Sample[] {
  const samples: Sample[] = [];
  for (const [check, { counts, sumSeconds }] of histograms) {
    let total = 0;
    for (let i = 0; i < counts.length; i++) {
      total += counts[i]!;
      const le = i < durationBucketsSeconds.length ? String(durationBucketsSeconds[i]) : '+Inf';
      samples.push({ labels: { check, le }, value: total, suffix: '_bucket' });
    }
    samples.push({ labels: { check }, value: sumSeconds, suffix: '_sum' });
    samples.push({ labels: { check }, value: total, suffix: '_count' });
  }
  return samples;
}
