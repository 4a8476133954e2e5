/** Health checks: the pools' `check:` blocks, carried out, told to the balancer, listed and counted. */
import {
  type CheckReport,
  checkResults,
  durationBucketsSeconds,
  HealthMonitor,
} from '../../../controlplane/health/index.ts';
import type { Sample } from '../../../monitoring/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { poolChecks } from '../check-plans.ts';
import type { Part, PartDefinition } from '../part.ts';
import { StartError } from '../start-error.ts';

const verdicts = ['up', 'down', 'unknown'] as const;
const eventNames = { up: 'backend_passes', down: 'backend_fails', unknown: 'backend_unchecked' } as const;

export const healthPart: PartDefinition = {
  create({ events, exchange }): Part {
    const monitor = new HealthMonitor({
      onEvent: (event) => {
        if (event.kind === 'panic') events.emit(event.panic ? 'panic_began' : 'panic_ended', { pool: event.pool });
        else {
          const { pool, backend, verdict, before, reason } = event;
          events.emit(eventNames[verdict], { pool, backend, before, reason });
        }
      },
    });
    exchange.health.use(monitor);
    let plans: ReturnType<typeof poolChecks> = [];
    const panics = (): string[] => [...new Set(monitor.report().flatMap(({ pool, panic }) => (panic ? [pool] : [])))];
    return {
      name: 'checks',
      check(config: Config) {
        poolChecks(config);
      },
      apply(config: Config) {
        // A pool set aside for a mistake goes on as it was, and so do its checks.
        const aside = new Set(
          config.setAside.map(({ path }) => path).flatMap((path) => /^pools\.(.+?)(?:\.|$)/.exec(path)?.[1] ?? []),
        );
        const kept = plans.filter(({ pool }) => aside.has(pool) && !(pool in config.pools));
        const next = [...poolChecks(config), ...kept];
        try {
          monitor.configure(next);
        } catch (error) {
          throw new StartError(`health checks: ${error instanceof Error ? error.message : error}`);
        }
        plans = next;
      },
      problems: () =>
        panics().map(
          (pool) =>
            `pool ${pool} is in panic: too few backends pass their checks, so all are used; see headrace checks`,
        ),
      notes: () => ownTrouble(monitor.report()),
      status: () => {
        const count = (verdict: string): number => monitor.report().filter((one) => one.verdict === verdict).length;
        return { up: count('up'), down: count('down'), unknown: count('unknown'), panic: panics() };
      },
      routes: () => ({ 'GET /checks': () => monitor.report() }),
      metrics: () => ({
        healthChecks: () =>
          monitor
            .report()
            .flatMap(({ pool, backend, kind, counts }) =>
              checkResults.map((result) => ({ labels: { pool, backend, check: kind, result }, value: counts[result] })),
            ),
        healthCheckDuration: () => histogram(monitor),
        backendHealth: () =>
          backends(monitor).flatMap(({ pool, backend, verdict }) =>
            verdicts.map((one) => ({ labels: { pool, backend, verdict: one }, value: one === verdict ? 1 : 0 })),
          ),
        poolPanic: () => {
          const panic = panics();
          return plans.map(({ pool }) => ({ labels: { pool }, value: panic.includes(pool) ? 1 : 0 }));
        },
        healthCheckLag: () => [{ labels: {}, value: monitor.schedule.maxLagMs / 1000 }],
      }),
      close: () => monitor.close(),
    };
  },
};

/** Checks that could not even be made, one note for each reason. */
function ownTrouble(report: readonly CheckReport[]): string[] {
  const reasons = new Set(report.flatMap(({ last }) => (last?.result === 'error' ? [last.detail] : [])));
  return [...reasons].map((reason) => `some health checks cannot be made: ${reason}`);
}

/** Each backend once, down when one of its checks is. */
function backends(monitor: HealthMonitor): { pool: string; backend: string; verdict: string }[] {
  const found = new Map<string, { pool: string; backend: string; verdict: string }>();
  for (const { pool, backend, verdict } of monitor.report()) {
    const key = `${pool} ${backend}`;
    const known = found.get(key);
    if (!known) found.set(key, { pool, backend, verdict });
    else if (verdict === 'down' || (verdict === 'unknown' && known.verdict === 'up')) known.verdict = verdict;
  }
  return [...found.values()];
}

function histogram({ histograms }: HealthMonitor): Sample[] {
  const samples: Sample[] = [];
  for (const [check, { counts, sumSeconds }] of histograms) {
    let total = 0;
    counts.forEach((count, i) => {
      total += count;
      const le = i < durationBucketsSeconds.length ? String(durationBucketsSeconds[i]) : '+Inf';
      samples.push({ labels: { check, le }, value: total, suffix: '_bucket' });
    });
    samples.push({ labels: { check }, value: sumSeconds, suffix: '_sum' });
    samples.push({ labels: { check }, value: total, suffix: '_count' });
  }
  return samples;
}
