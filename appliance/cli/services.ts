/** `headrace services`: what clients can connect to, and whether anybody answers. */
import type { Command } from 'commander';
import type { ServiceReport } from '../../controlplane/balancer/report.ts';
import { toJson } from '../json.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { table } from './table.ts';

export function addServices(program: Command): void {
  withJson(withInstance(program.command('services')))
    .description("list the load balancer's services: addresses, pool, state, traffic, slots in motion")
    .addHelpText(
      'after',
      `
Slots that settle or are pinned are on their way from one backend to another; see docs/guides/load-balancer.md.

Examples:
  headrace services
  headrace services --json`,
    )
    .action(async (options: InstanceOptions) => {
      const services = await askRunning<readonly ServiceReport[]>(options, '/services');
      if (options.json) console.log(toJson(services, 2));
      else if (services.length === 0) console.log('no services are configured');
      else console.log(table(head, services.map(row)));
    });
}

const head = ['service', 'state', 'pool', 'mode', 'backends', 'packets', 'connections', 'moving', 'frontends', 'why'];

function row(service: ServiceReport): string[] {
  const { settling, pinned, size } = service.slots;
  const parts = [settling && `${settling} settling`, pinned && `${pinned} pinned`].filter(Boolean);
  return [
    service.service,
    service.up ? (service.ready ? 'up' : 'not ready') : 'down',
    service.pool,
    service.mode,
    `${service.usable}/${service.backends}`,
    String(service.packets),
    String(service.newConnections),
    parts.length > 0 ? `${parts.join(', ')} of ${size}` : '-',
    service.frontends.join(', '),
    service.reason,
  ];
}

/** @throws Error when no daemon answers. */
export async function askRunning<T>(
  options: InstanceOptions,
  resource: string,
  question: Parameters<typeof askDaemon>[2] = {},
): Promise<T> {
  const paths = await pathsOf(options);
  const answer = await askDaemon<T>(paths, resource, question);
  if (answer === undefined)
    throw Object.assign(
      new Error(`the daemon of instance "${paths.instance}" is not running: start it with headrace run -c FILE`),
      { code: 'ABSENT' },
    );
  return answer;
}
