/** `headrace backends` lists them; `headrace backend` is an operator's word about one. */
import type { Command } from 'commander';
import type { BackendReport } from '../../controlplane/balancer/report.ts';
import type { CheckWay } from '../../controlplane/health/index.ts';
import { durationMs, durationText } from '../config/durations.ts';
import { toJson } from '../json.ts';
import { type InstanceOptions, withInstance, withJson } from './instance.ts';
import { askRunning } from './services.ts';
import { table } from './table.ts';

interface CheckedBackend extends BackendReport {
  readonly checks: readonly CheckWay[];
}

interface DrainOptions extends InstanceOptions {
  readonly deadline?: string;
}

export function addBackends(program: Command): void {
  withJson(withInstance(program.command('backends')))
    .description("list the load balancer's backends: state, share of new connections, traffic, reachability")
    .addHelpText('after', '\nExamples:\n  headrace backends\n  headrace backends --json')
    .action(async (options: InstanceOptions) => {
      print(await askRunning<readonly CheckedBackend[]>(options, '/backends'), options);
    });
  const backend = withInstance(program.command('backend'))
    .description('take a backend out of service and back, without touching the configuration file')
    .addHelpText(
      'after',
      `
What is said here wins over the file, and lasts over reloads and restarts until it is taken back.

Examples:
  headrace backend drain web/web1                  # no new connections; those it has live on
  headrace backend drain web/web1 --deadline 15m   # … for 15 minutes, then it is in maintenance
  headrace backend maintenance web/web1            # nothing is sent to it from now on
  headrace backend undrain web/web1                # as the file says again`,
    );
  add(backend, 'drain', 'draining', 'no new connections; those it has live on')
    .option('--deadline <duration>', 'after this long it is in maintenance (for example 15m)')
    .addHelpText('after', '\nExample:\n  headrace backend drain web/web1 --deadline 15m');
  add(backend, 'undrain', 'file', 'back to what the configuration file says').addHelpText(
    'after',
    '\nExample:\n  headrace backend undrain web/web1',
  );
  add(backend, 'maintenance', 'maintenance', 'nothing is sent to it; its connections end').addHelpText(
    'after',
    '\nExample:\n  headrace backend maintenance web/web1',
  );
}

function add(parent: Command, name: string, state: string, description: string): Command {
  return withJson(withInstance(parent.command(name)))
    .description(description)
    .argument('<pool/backend>', 'which one')
    .action(async (which: string, _: DrainOptions, command: Command) => {
      const options = command.optsWithGlobals<DrainOptions>();
      const [pool, backend, ...rest] = which.split('/');
      if (!pool || !backend || rest.length > 0) command.error(`error: "${which}" is not POOL/BACKEND, as in web/web1`);
      const forMs = options.deadline === undefined ? undefined : durationMs(options.deadline);
      if (Number.isNaN(forMs)) command.error(`error: "${options.deadline}" is not a duration, as in 15m`);
      const body = { pool, backend, state, ...(forMs === undefined ? {} : { forMs }) };
      const report = await askRunning<BackendReport>(options, '/backends', { method: 'POST', body });
      if (options.json) console.log(toJson(report, 2));
      else
        console.log(
          `${which} is ${report.state}${forMs === undefined ? '' : ` for ${durationText(forMs)}`}${report.reason ? ` (${report.reason})` : ''}`,
        );
    });
}

function print(backends: readonly CheckedBackend[], options: InstanceOptions): void {
  if (options.json) {
    console.log(toJson(backends, 2));
    return;
  }
  if (backends.length === 0) {
    console.log('no services are configured');
    return;
  }
  const head = [
    'backend',
    'address',
    'state',
    'weight',
    'share',
    'packets',
    'connections',
    'remembered',
    'checked',
    'why',
  ];
  const rows = backends.map((each) => [
    `${each.pool}/${each.backend}`,
    each.address,
    each.state,
    String(each.weight),
    `${(each.share * 100).toFixed(1)} %`,
    String(each.packets),
    String(each.newConnections),
    String(each.remembered),
    checked(each.checks),
    [each.reason, each.unreachable].filter(Boolean).join('; '),
  ]);
  console.log(table(head, rows));
}

/** `tcp`, `http at 198.51.100.10`: kinds, and the VIP for those that are made to it. */
function checked(checks: readonly CheckWay[]): string {
  if (checks.length === 0) return '-';
  const kinds = new Map<string | null, string[]>();
  for (const { kind, via } of checks) kinds.set(via, [...(kinds.get(via) ?? []), kind]);
  return [...kinds].map(([via, list]) => (via === null ? list.join(', ') : `${list.join(', ')} at ${via}`)).join(', ');
}
