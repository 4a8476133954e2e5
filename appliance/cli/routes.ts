/** `headrace routes`: where a packet goes, by the kernel and by the mirror; without an address, how the mirror is. */
import { type Command, InvalidArgumentError } from 'commander';
import type { InstancePaths } from '../../controlplane/dataplane/pins.ts';
import { formatPrefix, maskAddress, parsePrefix } from '../../controlplane/netlink/ip-address.ts';
import type { FamilyState, MirrorState } from '../../controlplane/routing/mirror/index.ts';
import type { RouteReport } from '../daemon/parts/routes.ts';
import type { DaemonStatus } from '../daemon/status.ts';
import { toJson } from '../json.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import type { Hits } from './route-hits.ts';
import { table } from './table.ts';

interface FibStatus {
  readonly configured: string;
  readonly mode: string;
  readonly why: string;
  readonly workerDeaths: number;
  readonly mirror: MirrorState | null;
}

interface RoutesOptions extends InstanceOptions {
  readonly hits?: number;
}

function secondsOf(text: string): number {
  const seconds = Number(text.replace(/s$/, ''));
  if (!(seconds > 0 && seconds <= 3600))
    throw new InvalidArgumentError('It must be a number of seconds, at most 3600: --hits 5');
  return seconds;
}

export function addRoutes(program: Command): void {
  withJson(withInstance(program.command('routes')))
    .description('say where a packet goes and who knows the way, or how the mirror of the routes is kept')
    .argument('[address]', 'an address, or a prefix (its first address is meant)')
    .option(
      '--hits <seconds>',
      'count packets for so long: of the route, of those below a prefix, or of all',
      secondsOf,
    )
    .addHelpText(
      'after',
      `
Hits are counted by a capture while this command runs, and by nobody otherwise: packets cost a little more meanwhile.
They are packets as they come in, by the kernel's route to where they are sent, without those to a VIP.

Exit status: 0 it was answered, 1 the daemon does not run, or mirror and kernel differ.

Examples:
  headrace routes
  headrace routes 198.51.100.7
  headrace routes 2001:db8::/48 --json
  headrace routes 198.51.100.7 --hits 5
  headrace routes --hits 10`,
    )
    .action(async (address: string | undefined, options: RoutesOptions) => {
      const paths = await pathsOf(options);
      const resource = address === undefined ? '/status' : `/routes?address=${encodeURIComponent(address)}`;
      const answer = await askDaemon<DaemonStatus | RouteReport>(paths, resource);
      if (!answer)
        throw Object.assign(
          new Error(`instance "${paths.instance}" is not running: start it with headrace run -c FILE`),
          { code: 'ABSENT' },
        );
      const fib = 'parts' in answer ? (answer.parts['fib'] as FibStatus) : undefined;
      const report = fib ? undefined : (answer as RouteReport);
      const hits = options.hits === undefined ? undefined : await hitsOf(paths, address, report, options.hits);
      if (options.json) console.log(toJson(hits ? { ...(fib ?? answer), hits: hits.counted } : (fib ?? answer), 2));
      else console.log(fib ? renderFib(fib) : renderRoute(answer as RouteReport));
      if (hits && !options.json) console.log(hits.text);
      if (!fib && (answer as RouteReport).mirror?.agrees === false) process.exitCode = 1;
    });
}

/** Of the one route that an address takes, of all below a prefix, or of all. Loaded only when it is asked for. */
async function hitsOf(
  paths: InstancePaths,
  asked: string | undefined,
  report: RouteReport | undefined,
  seconds: number,
): Promise<{ readonly counted: Hits; readonly text: string }> {
  const { countHits, renderHits } = await import('./route-hits.ts');
  const below = asked?.includes('/') ? networkOf(asked) : report?.kernel.prefix;
  if (below === null)
    throw Object.assign(new Error(`no route leads to ${asked}, so none can have hits`), { code: 'NO_ROUTE' });
  const counted = await countHits(paths, below, seconds);
  return { counted, text: renderHits(counted, asked?.includes('/') ? undefined : below) };
}

/** @throws Error for what is no prefix. */
function networkOf(text: string): string {
  const prefix = parsePrefix(text);
  if (!prefix) throw new Error(`"${text}" is not a prefix: write 192.0.2.0/24 or 2001:db8::/32`);
  return formatPrefix(maskAddress(prefix.bytes, prefix.prefixLength), prefix.prefixLength);
}

/** One screen about the look-ups. */
export function renderFib({ configured, mode, why, mirror }: FibStatus): string {
  const lines = [`look-ups by the ${mode} (router.fib: ${configured}): ${why}`];
  if (!mirror) return lines.join('\n');
  const families = [
    ['IPv4', mirror.ipv4],
    ['IPv6', mirror.ipv6],
  ] as const;
  const row = ([name, family]: readonly [string, FamilyState]): string[] => [
    name,
    family.valid ? 'valid' : `asks the kernel: ${family.why}`,
    String(family.routes.routes),
    String(family.table.prefixes),
    `${family.table.groupsUsed} of ${family.table.groupsCapacity}`,
    family.table.listsCapacity ? `${family.table.listsUsed} of ${family.table.listsCapacity}` : '-',
    String(family.table.crowdedSlots),
  ];
  lines.push(table(['family', 'mirror', 'routes', 'prefixes', 'groups', 'lists', 'crowded'], families.map(row)));
  const { nextHops, sampler, lastResync } = mirror;
  const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  lines.push(
    `next hops    ${nextHops.used} of ${nextHops.capacity}`,
    `memory       ${mib(mirror.tableBytes)} tables, ${mib(mirror.workerBytes)} worker`,
    `sampler      ${sampler.compared} compared, ${sampler.races} races, ${sampler.differences} differences`,
    `changes      ${mirror.events} applied, longest lag ${mirror.lagMs.toFixed(1)} ms, behind ${mirror.lagged} times, lost ${mirror.overruns} times`,
  );
  if (lastResync)
    lines.push(
      `last reading ${new Date(lastResync.at).toISOString()} (${lastResync.cause}): ${lastResync.routes} routes in ${Math.round(lastResync.totalMs)} ms`,
    );
  return lines.join('\n');
}

/** The kernel's answer and the mirror's, one under the other. */
export function renderRoute({ address, kernel, mirror }: RouteReport): string {
  const origin = [
    kernel.table === null ? '' : `table ${kernel.table}`,
    kernel.protocol === null ? '' : `from ${kernel.protocol}`,
    kernel.metric ? `metric ${kernel.metric}` : '',
  ].filter((word) => word !== '');
  const lines = [
    `${address}`,
    `  kernel  ${kernel.type}${kernel.prefix === null ? '' : ` ${kernel.prefix}`}${origin.length > 0 ? ` (${origin.join(', ')})` : ''}`,
    ...kernel.legs.map(
      (leg) =>
        `          ${leg.gateway === null ? 'on the link' : `via ${leg.gateway}`} dev ${leg.interface}, neighbor ${leg.neighbor ?? 'unknown'}${leg.mac === null ? '' : ` ${leg.mac}`}`,
    ),
  ];
  if (!mirror) lines.push('  mirror  off: the kernel is asked for every packet');
  else if (!mirror.answers) lines.push(`  mirror  asks the kernel: ${mirror.why}`);
  else
    lines.push(
      `  mirror  ${mirror.prefix} via ${mirror.gateway} dev ${mirror.interface} ${mirror.mac} mtu ${mirror.mtu}${mirror.agrees ? '' : '  DIFFERS'}`,
    );
  return lines.join('\n');
}
