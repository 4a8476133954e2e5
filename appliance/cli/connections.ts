/** `headrace connections`: translated connections (mode nat), one by one and by state. */
import type { Command } from 'commander';
import type { ConnectionList } from '../../controlplane/balancer/nat/connections.ts';
import { natStates } from '../../controlplane/balancer/nat/settings.ts';
import { toJson } from '../json.ts';
import { type InstanceOptions, withInstance, withJson } from './instance.ts';
import { askRunning } from './services.ts';
import { table } from './table.ts';

interface ConnectionsOptions extends InstanceOptions {
  readonly service?: string;
  readonly backend?: string;
  readonly state?: string;
  readonly client?: string;
  readonly limit: string;
}

export function addConnections(program: Command): void {
  withJson(withInstance(program.command('connections')))
    .description('list the connections of services in mode nat: who speaks to which backend, and in which state')
    .option('--service <name>', 'only of this service')
    .option('--backend <pool/backend>', 'only to this backend')
    .option('--client <address>', 'only from this address')
    .option('--state <state>', `only in this state: ${natStates.join(', ')}`)
    .option('--limit <count>', 'show so many at most; all that match are counted', '100')
    .addHelpText(
      'after',
      `
Other modes remember connections only while backends change: see headrace backends, column remembered.

Examples:
  headrace connections
  headrace connections --backend web/web1 --state established
  headrace connections --client 203.0.113.9 --json`,
    )
    .action(async (options: ConnectionsOptions, command: Command) => {
      const limit = Number(options.limit);
      if (!Number.isInteger(limit) || limit < 0) command.error(`error: "${options.limit}" is not a number, as in 100`);
      if (options.state !== undefined && !(natStates as readonly string[]).includes(options.state))
        command.error(`error: "${options.state}" is not a state: ${natStates.join(', ')}`);
      const query = new URLSearchParams({ limit: String(limit) });
      for (const key of ['service', 'backend', 'state', 'client'] as const)
        if (options[key] !== undefined) query.set(key, options[key]);
      const list = await askRunning<ConnectionList>(options, `/connections?${query}`);
      console.log(options.json ? toJson(list, 2) : describe(list));
    });
}

function describe({ states, matching, connections }: ConnectionList): string {
  if (matching === 0) return 'no such connections';
  const counts = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  const head = ['protocol', 'client', 'vip', 'seen as', 'target', 'backend', 'service', 'state', 'silent'];
  const rows = connections.map((row) => [
    row.protocol,
    row.client,
    row.vip,
    row.source === row.client ? '' : row.source,
    row.target,
    row.backend,
    row.service,
    row.opening ? `${row.state} (opening)` : row.state,
    `${row.idleSeconds} s`,
  ]);
  const lines = [`${matching} connections: ${counts.join(', ')}`];
  if (connections.length > 0) lines.push(table(head, rows));
  if (connections.length > 0 && connections.length < matching)
    lines.push(`the first ${connections.length}: --limit shows more`);
  return lines.join('\n');
}
