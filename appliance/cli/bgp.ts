/** `headrace bgp`: the BGP sessions of BIRD and FRR in one table. */
import type { Command } from 'commander';
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import { type BgpOverview, bgpSessions } from '../../controlplane/routing/bgp-sessions.ts';
import { table } from './table.ts';

interface BgpCommandOptions {
  readonly json?: boolean;
  readonly bird: string;
  readonly bgpd: string;
}

export function addBgp(program: Command): void {
  program
    .command('bgp')
    .description('show the BGP sessions of BIRD and FRR')
    .option('--json', 'print them as JSON')
    .option('--bird <socket>', "BIRD's control socket", '/run/bird/bird.ctl')
    .option('--bgpd <socket>', "the vty socket of FRR's bgpd", '/run/frr/bgpd.vty')
    .addHelpText(
      'after',
      `
Exit status: 0 every daemon that runs has answered, 1 one has not.

Examples:
  headrace bgp
  headrace bgp --json`,
    )
    .action(async (options: BgpCommandOptions) => {
      const overview = await bgpSessions({ bird: options.bird, bgpd: options.bgpd });
      console.log(options.json ? JSON.stringify(overview, null, 2) : renderBgp(overview));
      for (const { daemon, message } of overview.errors) console.error(`headrace: ${daemon}: ${message}`);
      if (overview.errors.length > 0) process.exitCode = 1;
    });
}

/** The sessions as a table, or a line that says that there are none. */
export function renderBgp({ sessions }: Pick<BgpOverview, 'sessions'>): string {
  if (sessions.length === 0) return 'no BGP sessions in BIRD or FRR';
  const rows = sessions.map((session) => [
    session.daemon,
    session.vrf === undefined ? session.name : `${session.name} (VRF ${session.vrf})`,
    session.neighbor,
    String(session.neighborAs ?? '-'),
    session.state,
    session.since ?? '-',
    families(session),
    session.state === 'established' ? (session.description ?? '') : (session.lastError ?? session.description ?? ''),
  ]);
  return table(['daemon', 'session', 'neighbor', 'AS', 'state', 'since', 'routes', 'note'], rows);
}

function families(session: BgpSession): string {
  return session.families
    .map(({ family, imported, filtered, exported }) => {
      const refused = filtered ? `, ${filtered} filtered` : '';
      return `${family}: ${imported ?? '-'} in${refused}, ${exported ?? '-'} out`;
    })
    .join('; ');
}
