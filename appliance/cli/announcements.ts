/** `headrace announcements`: VIPs from what is wanted to whom they reached, and their planned withdrawal. */
import type { Command } from 'commander';
import type { Announcement } from '../daemon/parts/announce.ts';
import { toJson } from '../json.ts';
import { age } from './checks.ts';
import { askDaemon, type InstanceOptions, pathsOf, type Question, withInstance, withJson } from './instance.ts';
import { table } from './table.ts';

export function addAnnouncements(program: Command): void {
  const command = withJson(withInstance(program.command('announcements')))
    .description('list the VIPs: wanted, in the table, learned by the routing daemon, given to which neighbors')
    .addHelpText(
      'after',
      `
Exit status: 0 everything wanted is in the table and, when the routing daemon is asked, out; 1 something is not.

Examples:
  headrace announcements
  headrace announcements drain 198.51.100.10     worse metric now, withdrawn later
  headrace announcements drain                   all VIPs of the box
  headrace announcements undrain 198.51.100.10`,
    )
    .action(async (options: InstanceOptions) => show(options, await ask(options, '/announcements')));
  for (const [name, text] of [
    ['drain', 'have neighbors prefer other boxes, then withdraw: these VIPs, or all'],
    ['undrain', 'announce these VIPs again, or all'],
  ] as const)
    command
      .command(`${name} [vip...]`)
      .description(text)
      .action(async (vips: readonly string[], _: unknown, called: Command) => {
        const options = called.optsWithGlobals<InstanceOptions>();
        show(options, await ask(options, `/announcements/${name}`, { method: 'POST', body: { vips } }));
      });
}

async function ask(options: InstanceOptions, resource: string, question?: Question): Promise<readonly Announcement[]> {
  const paths = await pathsOf(options);
  const answer = await askDaemon<readonly Announcement[]>(paths, resource, question);
  if (!answer)
    throw Object.assign(
      new Error(
        `instance "${paths.instance}" is not running; what it left announced is shown by: ip route show table 231`,
      ),
      { code: 'ABSENT' },
    );
  return answer;
}

function show(options: InstanceOptions, vips: readonly Announcement[]): void {
  if (!vips.every(isOut)) process.exitCode = 1;
  console.log(options.json ? toJson(vips, 2) : renderAnnouncements(vips));
}

/** Nothing is amiss: what is wanted is in the table, and out as far as one knows. */
function isOut({ wish, metric, daemon }: Announcement): boolean {
  if (wish !== 'announce') return true;
  return metric !== null && (daemon === null || daemon.peers.length > 0);
}

const words = {
  announce: 'yes',
  depreference: 'draining',
  withdraw: 'no',
  keep: 'undecided',
} as const;

/** The VIPs as a table, or a line that says that there are none. */
export function renderAnnouncements(vips: readonly Announcement[]): string {
  if (vips.length === 0) return 'no VIPs are announced: give an announce section and services in the configuration';
  const rows = vips.map(({ vip, services, wish, reason, metric, sinceMs, daemon }) => [
    vip,
    services.join(', '),
    words[wish],
    metric === null ? '-' : `metric ${metric}`,
    age(sinceMs),
    daemon === null ? '-' : daemon.learned ? daemon.name : `not by ${daemon.name}`,
    daemon === null ? '-' : daemon.peers.join(', ') || 'nobody',
    reason,
  ]);
  return table(['VIP', 'services', 'wanted', 'route', 'for', 'learned', 'given to', 'why not'], rows);
}
