/**
 * Which VIPs the operator drains, in a file of the box's run directory: survives the daemon, not the machine. Times are
 * of the wall clock there, since a monotonic one begins anew with each process.
 */
import { z } from 'zod';
import { readJson, writeJson } from '../../controlplane/balancer/json-file.ts';
import { StartError } from './start-error.ts';

const schema = z.object({ drains: z.record(z.string(), z.number()) });

/** When each drain began, milliseconds since 1970, by VIP. */
export type Drains = Readonly<Record<string, number>>;

/**
 * None when there is no file.
 * @throws StartError for one that says nothing: to announce what an operator drained would be worse than not to start
 */
export function readDrains(file: string): Drains {
  try {
    const found = readJson(file);
    return found === undefined ? {} : schema.parse(found).drains;
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
    throw new StartError(
      `cannot read which VIPs are drained (${reason}): make ${file} readable for the daemon, or remove it and drain them again with "headrace announcements drain"`,
      { cause: error },
    );
  }
}

/** In one step: a reader sees the old file or the new one. */
export function writeDrains(file: string, drains: Drains): void {
  writeJson(file, { drains });
}
