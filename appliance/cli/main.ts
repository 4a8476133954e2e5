#!/usr/bin/env node
/** Entry of the command line: runs the command, and decides how errors leave the program. */
import { CommanderError } from 'commander';
import { ConfigError } from '../config/problem.ts';
import { createProgram } from './program.ts';

/** Exit statuses: 0 all well, 1 it could not be done (or is not well), 2 the command line or the configuration is wrong. */
function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return error instanceof ConfigError ? 2 : 1;
}

/** Faults of the machine or of the operator's, which need no stack trace. */
async function isExpected(error: unknown): Promise<boolean> {
  if (error instanceof Error && 'code' in error) return true;
  const { BpfError, LayoutError } = await import('../../controlplane/bpf/index.ts');
  return error instanceof LayoutError || error instanceof BpfError;
}

const program = await createProgram(process.argv[2]);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitStatusOf(error);
  if (error instanceof CommanderError) {
    // It has said already what it has to say.
  } else if (error instanceof ConfigError) console.error(error.message);
  else if (await isExpected(error)) console.error(`headrace: ${(error as Error).message}`);
  else throw error;
}
