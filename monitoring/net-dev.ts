/**
 * The kernel's counters of interfaces, /proc/net/dev (proc(5)), in the network namespace of this thread: drivers count
 * there what XDP forwards, too, though one may leave out what XDP transmits.
 */
import { readFileSync } from 'node:fs';

/** One interface's row. */
export interface DeviceRow {
  readonly inBytes: bigint;
  readonly inPackets: bigint;
  readonly inErrors: bigint;
  readonly inDrops: bigint;
  readonly inMulticast: bigint;
  readonly outBytes: bigint;
  readonly outPackets: bigint;
  readonly outErrors: bigint;
  readonly outDrops: bigint;
}

export function readNetDev(): Map<string, DeviceRow> {
  return parseNetDev(readFileSync('/proc/thread-self/net/dev', 'utf8'));
}

/** Two lines of headings, then `name: 8 numbers received, 8 numbers sent`. */
export function parseNetDev(table: string): Map<string, DeviceRow> {
  const rows = new Map<string, DeviceRow>();
  for (const line of table.split('\n').slice(2)) {
    const end = line.lastIndexOf(':');
    if (end === -1) continue;
    const numbers = line
      .slice(end + 1)
      .trim()
      .split(/\s+/);
    const at = (column: number): bigint => BigInt(numbers[column] ?? 0);
    rows.set(line.slice(0, end).trim(), {
      inBytes: at(0),
      inPackets: at(1),
      inErrors: at(2),
      inDrops: at(3),
      inMulticast: at(7),
      outBytes: at(8),
      outPackets: at(9),
      outErrors: at(10),
      outDrops: at(11),
    });
  }
  return rows;
}
