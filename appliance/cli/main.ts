#!/usr/bin/env node
/** The command line: each command is a file of its own; this one knows their names and how errors leave the program. */
import { Command, CommanderError } from 'commander';
import { BpfError, LayoutError } from '../../controlplane/bpf/index.ts';
import { ConfigError } from '../config/problem.ts';
import { addBgp } from './bgp.ts';
import { addCheck } from './check.ts';
import { addCounters } from './counters.ts';
import { addDemo } from './demo.ts';
import { addDetach } from './detach.ts';
import { addInterfaces } from './interfaces.ts';
import { addRun } from './run.ts';
import { addStatus } from './status.ts';

/** Exit statuses: 0 all well, 1 it could not be done (or is not well), 2 the command line or the configuration is wrong. */
function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof ConfigError ? 2 : 1;
}

const program = new Command('headrace')
  .description(
    'A software router in XDP: forwards in the driver what the kernel would forward, and leaves it the rest.',
  )
  .version('0.1.0')
  .showHelpAfterError()
  .exitOverride()
  .configureHelp({ showGlobalOptions: true });
for (const add of [addRun, addCheck, addStatus, addInterfaces, addCounters, addBgp, addDetach, addDemo]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitStatusOf(error);
  if (error instanceof CommanderError) {
    // It has said already what it has to say.
  } else if (error instanceof ConfigError) console.error(error.message);
  else if (error instanceof LayoutError || error instanceof BpfError || (error instanceof Error && 'code' in error))
    console.error(`headrace: ${error.message}`);
  else throw error;
}
