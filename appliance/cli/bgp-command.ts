/** `headrace bgp`: the BGP sessions of BIRD and FRR in one table. */
import Table from 'cli-table3';
import type { Command } from 'commander';
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import { type BgpOverview, bgpSessions } from '../../controlplane/routing/bgp-sessions.ts';

/** Add the command to a program. */
export function registerBgpCommand(program: Command): void {
  program
    .command('bgp')
    .description('show the BGP sessions of BIRD and FRR')
    .option('--json', 'print JSON')
    .option('--bird <socket>', "BIRD's control socket", '/run/bird/bird.ctl')
    .option('--bgpd <socket>', "the vty socket of FRR's bgpd", '/run/frr/bgpd.vty')
    .action(async (options: { json?: boolean; bird: string; bgpd: string }) => {
      const overview = await bgpSessions({ bird: options.bird, bgpd: options.bgpd });
      process.stdout.write(options.json ? `${JSON.stringify(overview, null, 2)}\n` : renderBgp(overview));
      for (const { daemon, message } of overview.errors) process.stderr.write(`${daemon}: ${message}\n`);
      if (overview.errors.length > 0) process.exitCode = 1;
    });
}

/** The table as text, with a line that says so when there are no sessions. */
export function renderBgp({ sessions }: BgpOverview): string {
  if (sessions.length === 0) return 'no BGP sessions: neither BIRD nor FRR runs any here\n';
  const table = new Table({
    head: ['daemon', 'session', 'neighbor', 'AS', 'state', 'since', 'routes', 'note'],
    style: { head: [], border: [], compact: true },
  });
  for (const session of sessions) {
    table.push([
      session.daemon,
      session.vrf === undefined ? session.name : `${session.name} (VRF ${session.vrf})`,
      session.neighbor,
      session.neighborAs ?? '-',
      session.state,
      session.since ?? '-',
      families(session),
      session.state === 'established' ? (session.description ?? '') : (session.lastError ?? session.description ?? ''),
    ]);
  }
  return `${table.toString()}\n`;
}

function families({ families }: BgpSession): string {
  return families
    .map(({ family, imported, filtered, exported }) => {
      const refused = filtered ? `, ${filtered} filtered` : '';
      return `${family}: ${imported ?? '-'} in${refused}, ${exported ?? '-'} out`;
    })
    .join('\n');
}
