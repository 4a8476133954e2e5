/** From two readings of what was lost after the verdict to rates, by interface and by cause. */
import type { LossRow } from '../../controlplane/dataplane/index.ts';
import { round } from './rates.ts';
import type { LiveReason } from './snapshot.ts';

const words: Readonly<Record<string, string>> = {
  down: 'sent on, but the way out was down',
  no_xdp_transmit: 'sent on, but the way out takes no XDP frames',
  no_receiver: 'sent on, but nobody took it at the other end of the way out',
  too_long: 'sent on, but longer than the way out allows',
  queue_full: 'sent on, but the queue of the way out was full',
  tx: 'sent back the way it came, which the driver refused',
  other: 'sent on, but the driver of the way out refused it',
};

export interface LossRates {
  /** Packets a second by the interface they should have left by; only those that lost some. */
  readonly interfaces: ReadonlyMap<string, number>;
  /** Causes that ever lost something. */
  readonly reasons: readonly LiveReason[];
}

export const noLosses: LossRates = { interfaces: new Map(), reasons: [] };

/** Counters that went back were started anew: what they hold came since. */
export function lossRates(before: readonly LossRow[], after: readonly LossRow[], seconds: number): LossRates {
  const former = new Map(before.map((row) => [`${row.interface} ${row.cause}`, row.packets]));
  const interfaces = new Map<string, number>();
  const causes = new Map<string, { packets: number; total: number }>();
  for (const { interface: name, cause, packets } of after) {
    if (packets === 0n) continue;
    const old = former.get(`${name} ${cause}`) ?? 0n;
    const more = Number(packets - (old <= packets ? old : 0n)) / seconds;
    if (more > 0) interfaces.set(name, round((interfaces.get(name) ?? 0) + more));
    const sum = causes.get(cause) ?? { packets: 0, total: 0 };
    causes.set(cause, { packets: sum.packets + more, total: sum.total + Number(packets) });
  }
  const reasons = [...causes].map(([cause, { packets, total }]) => ({
    outcome: 'dropped' as const,
    reason: `lost_${cause}`,
    words: words[cause] ?? `sent on, and lost: ${cause}`,
    packets: round(packets),
    total,
  }));
  return { interfaces, reasons };
}
