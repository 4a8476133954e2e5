#!/usr/bin/env node
/** Entry of the command line: runs the command, and decides how errors leave the program. */
import { CommanderError } from 'commander';
import { BpfError, LayoutError } from '../../controlplane/bpf/index.ts';
import { ConfigError } from '../config/problem.ts';
import { createProgram } from './program.ts';

/** Exit statuses: 0 all well, 1 it could not be done (or is not well), 2 the command line or the configuration is wrong. */
function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof ConfigError ? 2 : 1;
}

const program = createProgram();

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
