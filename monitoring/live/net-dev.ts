/**
 * What interfaces themselves count, from /proc/net/dev of this network namespace. Used for what leaves: the packet path
 * counts what arrives. A driver may leave out what XDP transmits.
 */
import { readFileSync } from 'node:fs';

export interface DeviceCounts {
  readonly sentPackets: number;
  readonly sentBytes: number;
}

export function readDeviceCounts(file = '/proc/self/net/dev'): Map<string, DeviceCounts> {
  return parseDeviceCounts(readFileSync(file, 'utf8'));
}

/** Two lines of headings, then `name: 8 numbers received, 8 numbers sent`, bytes and packets first. */
export function parseDeviceCounts(text: string): Map<string, DeviceCounts> {
  const counts = new Map<string, DeviceCounts>();
  for (const line of text.split('\n').slice(2)) {
    const at = line.lastIndexOf(':');
    if (at === -1) continue;
    const numbers = line
      .slice(at + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    counts.set(line.slice(0, at).trim(), { sentBytes: numbers[8] ?? 0, sentPackets: numbers[9] ?? 0 });
  }
  return counts;
}
