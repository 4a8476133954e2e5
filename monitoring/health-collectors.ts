/** Values of the metrics about health checks. */
import { type CheckReport, checkResults, durationBucketsSeconds } from '../controlplane/health/index.ts';
import type { Collectors } from './collector.ts';
import type { Sample } from './counter-samples.ts';
import { Labels } from './text-format.ts';

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
  const results = new LabelCache();
  const health = new LabelCache();
  return {
    healthChecks: function* () {
      report = source.report();
      results.fit(report.length);
      for (const { pool, backend, kind, counts } of report) {
        const labels = results.get(`${pool}/${backend} ${kind}`, () =>
          checkResults.map((result) => new Labels({ pool, backend, check: kind, result })),
        );
        for (let i = 0; i < labels.length; i++) yield { labels: labels[i]!, value: counts[checkResults[i]!] };
      }
    },
    healthCheckDuration: () => histogram(source),
    backendHealth: function* () {
      health.fit(report.length);
      for (const { pool, backend, verdict } of backends(report)) {
        const labels = health.get(`${pool}/${backend}`, () =>
          verdicts.map((one) => new Labels({ pool, backend, verdict: one })),
        );
        for (let i = 0; i < labels.length; i++) yield { labels: labels[i]!, value: verdicts[i] === verdict ? 1 : 0 };
      }
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

/** Each backend once, down when one of its checks is. */
function backends(report: readonly CheckReport[]): Iterable<{ pool: string; backend: string; verdict: string }> {
  const found = new Map<string, { pool: string; backend: string; verdict: string }>();
  for (const { pool, backend, verdict } of report) {
    const key = `${pool} ${backend}`;
    const known = found.get(key);
    if (!known) found.set(key, { pool, backend, verdict });
    else if (verdict === 'down' || (verdict === 'unknown' && known.verdict === 'up')) known.verdict = verdict;
  }
  return found.values();
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

/** Labels by key, forgotten as a whole when most of them belong to what is gone. */
class LabelCache {
  readonly #known = new Map<string, readonly Labels[]>();

  /** @param inUse how many keys are used at present. */
  fit(inUse: number): void {
    if (this.#known.size > 2 * inUse) this.#known.clear();
  }

  get(key: string, make: () => readonly Labels[]): readonly Labels[] {
    let found = this.#known.get(key);
    if (!found) {
      found = make();
      this.#known.set(key, found);
    }
    return found;
  }
}
