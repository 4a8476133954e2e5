/** `headrace counters`: packets by interface, verdict and reason, straight from the pinned maps. */
import type { Command } from 'commander';
import { pinnedCounters } from '../../controlplane/dataplane/index.ts';
import { toJson } from '../json.ts';
import { type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { table } from './table.ts';

export function addCounters(program: Command): void {
  withJson(withInstance(program.command('counters')))
    .description('list packets and bytes by interface, verdict and reason')
    .addHelpText('after', '\nWorks without a daemon too.\n\nExamples:\n  headrace counters\n  headrace counters --json')
    .action(async (options: InstanceOptions) => {
      const paths = await pathsOf(options);
      const rows = pinnedCounters(paths);
      if (!rows)
        throw Object.assign(
          new Error(`instance "${paths.instance}" has nothing attached: start it with headrace run -c FILE`),
          {
            code: 'ABSENT',
          },
        );
      if (options.json) {
        console.log(toJson(rows, 2));
        return;
      }
      const sorted = [...rows].sort((a, b) => a.interface.localeCompare(b.interface) || Number(b.packets - a.packets));
      const cells = sorted.map((row) => [
        row.interface || '(other)',
        row.verdict,
        row.reason,
        String(row.packets),
        String(row.bytes),
      ]);
      console.log(table(['interface', 'verdict', 'reason', 'packets', 'bytes'], cells));
    });
}
