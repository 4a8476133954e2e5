/** What interfaces sent, by their own count: the packet path counts what arrives. */
import { parseNetDev, readNetDev } from '../net-dev.ts';

export interface DeviceCounts {
  readonly sentPackets: number;
  readonly sentBytes: number;
}

/** @param table parsed, of this network namespace by default */
export function readDeviceCounts(table: ReturnType<typeof parseNetDev> = readNetDev()): Map<string, DeviceCounts> {
  return new Map(
    [...table].map(([name, row]) => [name, { sentBytes: Number(row.outBytes), sentPackets: Number(row.outPackets) }]),
  );
}

export function parseDeviceCounts(text: string): Map<string, DeviceCounts> {
  return readDeviceCounts(parseNetDev(text));
}
