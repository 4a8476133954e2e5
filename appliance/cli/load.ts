/** `headrace load`: the short privileged part of a start, apart from the daemon. */
import type { Command } from 'commander';
import { isBpffs } from '../../controlplane/bpf/index.ts';
import { DataPlane, instancePaths, preloadLosses } from '../../controlplane/dataplane/index.ts';
import { loadConfig } from '../config/load.ts';
import { lossesObjectPath, objectPath } from '../daemon/object-path.ts';
import { featuresOf } from '../daemon/parts/index.ts';
import { missingPrivileges } from '../daemon/privileges.ts';
import { StartError } from '../daemon/start-error.ts';

interface LoadOptions {
  readonly instance?: string;
  readonly config: string;
}

export function addLoad(program: Command): void {
  program
    .command('load')
    .description('load the programs of a configuration and pin them for a daemon with less privileges; attach nothing')
    .option('--instance <name>', "name of the box, when several run on this machine; wins over the file's")
    .requiredOption('-c, --config <file>', 'configuration file')
    .addHelpText(
      'after',
      `
Needs CAP_PERFMON besides CAP_BPF and CAP_NET_ADMIN: a program loaded without it carries barriers against speculation,
for which each packet pays. Run it before a start and before a reload, as the daemon's user; headrace-load.service does.
What is attached already does not change.

Examples:
  headrace load -c /etc/headrace/headrace.yaml`,
    )
    .action((options: LoadOptions) => {
      const config = loadConfig(options.config);
      const paths = instancePaths(options.instance ?? config.instance);
      const missing = missingPrivileges(isBpffs(paths.bpffs), ['CAP_PERFMON']);
      if (missing) throw new StartError(missing);
      const variant = DataPlane.preload(objectPath, paths, featuresOf(config));
      console.log(`loaded: programs of instance "${paths.instance}" are pinned as ${variant}`);
      try {
        preloadLosses(lossesObjectPath, paths);
      } catch (error) {
        // Packets are forwarded without it, and the daemon tells the operator.
        console.error(`what is lost after the verdict will not be counted: ${(error as Error).message}`);
      }
    });
}
