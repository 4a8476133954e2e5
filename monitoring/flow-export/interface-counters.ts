/** Interfaces with the kernel's counters, as a collector of flows wants to know them. */
import type { Link } from '../../controlplane/netlink/index.ts';
import type { DeviceRow } from '../net-dev.ts';

export interface InterfaceCounters extends DeviceRow {
  readonly ifindex: number;
  readonly up: boolean;
  readonly running: boolean;
  readonly promiscuous: boolean;
  /** Bits a second; 0 when the driver does not tell. */
  readonly speedBps: bigint;
}

export function interfaceCounters(
  rows: ReadonlyMap<string, DeviceRow>,
  links: readonly Link[],
  speedBpsOf: (link: Link) => bigint,
): InterfaceCounters[] {
  return links.flatMap((link) => {
    const row = rows.get(link.name);
    if (!row) return [];
    const { index: ifindex, up, running } = link;
    return [{ ...row, ifindex, up, running, promiscuous: link.promiscuity > 0, speedBps: speedBpsOf(link) }];
  });
}
