/** `headrace doctor`: what on this machine makes forwarding slow, wrong or impossible, and how to mend it. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { instancePaths } from '../../controlplane/dataplane/index.ts';
import { bypassesNetfilter, type Config, loadConfig } from '../config/index.ts';
import type { DaemonStatus } from '../daemon/status.ts';
import { examine, exitStatus, gather, report } from '../doctor/index.ts';
import { askDaemon, withJson } from './instance.ts';

/** Looked at when no file is named and no daemon tells its own. */
const usualFile = '/etc/headrace/headrace.yaml';

interface DoctorOptions {
  readonly instance?: string;
  readonly config?: string;
  readonly interface?: string[];
  readonly all?: boolean;
  readonly json?: boolean;
}

export function addDoctor(program: Command): void {
  withJson(program.command('doctor'))
    .description('look at drivers, queues, offloads, sysctls, kernel and memory, and say what to mend; changes nothing')
    .option('--instance <name>', 'the box meant, when several run on this machine (default: "default")')
    .option(
      '-c, --config <file>',
      `look at the interfaces of this file (default: the running daemon's, or ${usualFile})`,
    )
    .option(
      '-i, --interface <names...>',
      'look at these interfaces, names or patterns, whatever the configuration says',
    )
    .option('--all', 'print what is well, too')
    .addHelpText(
      'after',
      `
Works before there is a configuration: then it looks at every interface. As root it sees the most.
Verdicts: fail (does not work), warn (slow, or a risk), note (worth knowing), unknown (cannot be learned), ok.
Exit status: 0 nothing to mend (ok, note, unknown), 1 at least one warn or fail.

Examples:
  headrace doctor
  headrace doctor --all -i eth0 eth1
  headrace doctor --json | jq '.findings[] | select(.verdict == "fail")'`,
    )
    .action(async (options: DoctorOptions) => {
      const named = options.config === undefined ? undefined : loadConfig(options.config);
      const paths = instancePaths(options.instance ?? named?.instance ?? 'default');
      const status = await askDaemon<DaemonStatus>(paths, '/status').catch(() => undefined);
      const config = named ?? configOf(status?.configFile ?? usualFile);
      const facts = await gather({
        paths,
        patterns: options.interface ?? config?.dataplane.interfaces.map((entry) => entry.match),
        allowGeneric: config?.dataplane.allow_generic ?? false,
        bypassesNetfilter: (name) => config !== undefined && bypassesNetfilter(config, name),
        status,
      });
      const findings = examine(facts);
      process.exitCode = exitStatus(findings);
      console.log(options.json ? JSON.stringify({ facts, findings }, null, 2) : report(findings, options.all ?? false));
    });
}

/** A file nobody named: when it is not there or is not right, the doctor does without (headrace check says why). */
function configOf(file: string): Config | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return loadConfig(file);
  } catch {
    return undefined;
  }
}
