/** Health checks: the pools' `check:` blocks, carried out, told to the balancer, listed and counted. */
import { type CheckReport, HealthMonitor } from '../../../controlplane/health/index.ts';
import { healthCollectors, poolsInPanic } from '../../../monitoring/index.ts';
import type { Config } from '../../config/schema/index.ts';
import { poolChecks } from '../check-plans.ts';
import type { Part, PartDefinition } from '../part.ts';
import { StartError } from '../start-error.ts';

const eventNames = { up: 'backend_passes', down: 'backend_fails', unknown: 'backend_unchecked' } as const;

export const healthPart: PartDefinition = {
  create({ events, exchange }): Part {
    const monitor = new HealthMonitor({
      wayTo: (pool, backend, via) => exchange.wayTo(pool, backend, via),
      onEvent: (event) => {
        if (event.kind === 'panic') events.emit(event.panic ? 'panic_began' : 'panic_ended', { pool: event.pool });
        else {
          const { pool, backend, verdict, before, reason } = event;
          events.emit(eventNames[verdict], { pool, backend, before, reason });
        }
      },
    });
    exchange.health.use(monitor);
    exchange.checksOf = (pool, backend) => monitor.waysTo(pool, backend);
    let plans: ReturnType<typeof poolChecks> = [];
    const panics = (): string[] => [...poolsInPanic(monitor.report())];
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
        const report = monitor.report();
        const count = (verdict: string): number => report.filter((one) => one.verdict === verdict).length;
        return { up: count('up'), down: count('down'), unknown: count('unknown'), panic: [...poolsInPanic(report)] };
      },
      routes: () => ({ 'GET /checks': () => monitor.report() }),
      metrics: () => healthCollectors(monitor, () => plans.map(({ pool }) => pool)),
      close: () => monitor.close(),
    };
  },
};

/** Checks that could not even be made, one note for each reason. */
function ownTrouble(report: readonly CheckReport[]): string[] {
  const reasons = new Set(report.flatMap(({ last }) => (last?.result === 'error' ? [last.detail] : [])));
  return [...reasons].map((reason) => `some health checks cannot be made: ${reason}`);
}
