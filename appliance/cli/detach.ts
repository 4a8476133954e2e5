/** `headrace detach`: takes the programs off and removes every pin of the box. */
import { existsSync, rmSync } from 'node:fs';
import type { Command } from 'commander';
import { removeInstance } from '../../controlplane/dataplane/index.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance } from './instance.ts';

export function addDetach(program: Command): void {
  withInstance(program.command('detach'))
    .description('take the programs off the interfaces and forget the counters; the kernel forwards alone')
    .addHelpText(
      'after',
      '\nStop the daemon first: it would attach again.\n\nExamples:\n  headrace detach\n  headrace detach --instance edge',
    )
    .action(async (options: InstanceOptions) => {
      const paths = pathsOf(options);
      if (await askDaemon(paths, '/status'))
        throw Object.assign(
          new Error(`the daemon of instance "${paths.instance}" is running and would attach again: stop it first`),
          {
            code: 'RUNNING',
          },
        );
      const detached = existsSync(paths.pins) ? removeInstance(paths) : 0;
      rmSync(paths.run, { recursive: true, force: true });
      console.log(`detached from ${detached} ${detached === 1 ? 'interface' : 'interfaces'}`);
    });
}
