/** `headrace checks`: every health check, what it found last, and since when. */
import type { Command } from 'commander';
import type { CheckReport } from '../../controlplane/health/index.ts';
import { toJson } from '../json.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { table } from './table.ts';

interface ChecksOptions extends InstanceOptions {
  readonly pool?: string;
  readonly down?: boolean;
}

export function addChecks(program: Command): void {
  withJson(withInstance(program.command('checks')))
    .description('list the health checks of backends, with what each found last')
    .option('--pool <name>', 'of this pool only')
    .option('--down', 'only those that are not up')
    .addHelpText(
      'after',
      `
Exit status: 0 all are up, 1 some are not.

Examples:
  headrace checks
  headrace checks --down
  headrace checks --pool web --json`,
    )
    .action(async (options: ChecksOptions) => {
      const paths = await pathsOf(options);
      const all = await askDaemon<CheckReport[]>(paths, '/checks');
      if (!all)
        throw Object.assign(
          new Error(
            `instance "${paths.instance}" is not running, so nothing is checked: start it with headrace run -c FILE`,
          ),
          { code: 'ABSENT' },
        );
      const found = all.filter(
        ({ pool, verdict }) =>
          (options.pool === undefined || pool === options.pool) && (!options.down || verdict !== 'up'),
      );
      if (found.some(({ verdict }) => verdict !== 'up')) process.exitCode = 1;
      console.log(options.json ? toJson(found, 2) : renderChecks(found));
    });
}

/** The checks as a table, or a line that says that there are none. */
export function renderChecks(checks: readonly CheckReport[]): string {
  if (checks.length === 0) return 'no checks: give pools.NAME.check in the configuration, or ask for others';
  const rows = checks.map(({ pool, backend, address, kind, via, verdict, sinceMs, last, panic }) => [
    panic ? `${pool} (panic: all are used)` : pool,
    backend,
    address,
    via === null ? kind : `${kind} at ${via}`,
    verdict,
    age(sinceMs),
    last ? `${last.durationMs.toFixed(1)} ms` : '-',
    last ? (last.result === 'error' ? `cannot be checked: ${last.detail}` : last.detail) : 'not checked yet',
  ]);
  return table(['pool', 'backend', 'address', 'check', 'verdict', 'for', 'took', 'found'], rows);
}

/** `3 s`, `5 min`, `2 h`, `4 d`. */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
