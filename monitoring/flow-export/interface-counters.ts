/** The kernel's counters of interfaces (/proc/net/dev, proc(5)): drivers count there what XDP forwards, too. */
import type { Link } from '../../controlplane/netlink/index.ts';

export interface InterfaceCounters {
  readonly ifindex: number;
  readonly up: boolean;
  readonly running: boolean;
  readonly promiscuous: boolean;
  /** Bits a second; 0 when the driver does not tell. */
  readonly speedBps: bigint;
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

/** @param table the text of /proc/net/dev */
export function interfaceCounters(
  table: string,
  links: readonly Link[],
  speedBpsOf: (link: Link) => bigint,
): InterfaceCounters[] {
  const rows = new Map(
    table
      .split('\n')
      .slice(2)
      .flatMap((line) => {
        const colon = line.indexOf(':');
        return colon === -1
          ? []
          : [
              [
                line.slice(0, colon).trim(),
                line
                  .slice(colon + 1)
                  .trim()
                  .split(/\s+/),
              ] as const,
            ];
      }),
  );
  return links.flatMap((link) => {
    const row = rows.get(link.name);
    if (!row) return [];
    const at = (column: number): bigint => BigInt(row[column] ?? 0);
    return [
      {
        ifindex: link.index,
        up: link.up,
        running: link.running,
        promiscuous: link.promiscuity > 0,
        speedBps: speedBpsOf(link),
        inBytes: at(0),
        inPackets: at(1),
        inErrors: at(2),
        inDrops: at(3),
        inMulticast: at(7),
        outBytes: at(8),
        outPackets: at(9),
        outErrors: at(10),
        outDrops: at(11),
      },
    ];
  });
}
