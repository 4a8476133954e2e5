/**
 * Which VIPs the operator drains, in a file of the box's run directory: survives the daemon, not the machine. Times are
 * of the wall clock there, since a monotonic one begins anew with each process.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** When each drain began, milliseconds since 1970, by VIP. */
export type Drains = Readonly<Record<string, number>>;

/** Nothing for a file that is not there or not ours to read. */
export function readDrains(file: string): Drains {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as { readonly drains?: Drains };
    return found.drains ?? {};
  } catch {
    return {};
  }
}

/** In one step: a reader sees the old file or the new one. */
export function writeDrains(file: string, drains: Drains): void {
  writeFileSync(`${file}.new`, JSON.stringify({ drains }), { mode: 0o640 });
  renameSync(`${file}.new`, file);
}
