/** `headrace neighbors`: next hops that are kept resolved, and how they are. */
import type { Command } from 'commander';
import type { NeighborRow } from '../daemon/parts/neighbors.ts';
import { toJson } from '../json.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance, withJson } from './instance.ts';
import { table } from './table.ts';

export function addNeighbors(program: Command): void {
  withJson(withInstance(program.command('neighbors').alias('neighbours')))
    .description('list the next hops that are kept resolved: gateways of routes and hosts of attached networks')
    .addHelpText('after', '\nExamples:\n  headrace neighbors\n  headrace neighbors --json')
    .action(async (options: InstanceOptions) => {
      const paths = await pathsOf(options);
      const rows = await askDaemon<readonly NeighborRow[]>(paths, '/neighbors');
      if (!rows)
        throw Object.assign(
          new Error(
            `instance "${paths.instance}" is not running: start it with headrace run -c FILE; the kernel's own table is shown by "ip neighbor"`,
          ),
          { code: 'ABSENT' },
        );
      if (options.json) {
        console.log(toJson(rows, 2));
        return;
      }
      const cells = rows.map((row) => [row.interface, row.address, row.mac ?? '', row.state, row.use]);
      console.log(table(['interface', 'address', 'mac', 'state', 'use'], cells));
    });
}
