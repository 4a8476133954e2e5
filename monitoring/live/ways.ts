/**
 * What leaves, and by which way it came.
 *
 * The packet path counts what XDP sends, by its way through the box. What the kernel sends only the interface counts,
 * and drivers differ in whether that counter has what XDP sent as well. Where it has less than half of that it has
 * none of it; else the rest is the kernel's, if it is more than two looks a moment apart may differ by.
 */
import type { PathRow } from '../../controlplane/dataplane/index.ts';
import { round } from './rates.ts';
import type { Rate } from './snapshot.ts';

export interface Ways {
  /** By the interface packets came in by, then by the one they left by. */
  readonly from: ReadonlyMap<string, Readonly<Record<string, Rate>>>;
  /** All that left by an interface. */
  readonly to: ReadonlyMap<string, Rate>;
}

export const noRate: Rate = { packets: 0, bytes: 0 };
export const noWays: Ways = { from: new Map(), to: new Map() };

/** Counters that went back were started anew: what they hold came since. */
export function waysOf(before: readonly PathRow[], after: readonly PathRow[], seconds: number): Ways {
  const old = new Map(before.map((row) => [`${row.from} ${row.to}`, row]));
  const from = new Map<string, Record<string, Rate>>();
  const to = new Map<string, { packets: number; bytes: number }>();
  for (const row of after) {
    const last = old.get(`${row.from} ${row.to}`);
    const base = last && last.packets <= row.packets ? last : { packets: 0n, bytes: 0n };
    const rate = {
      packets: round(Number(row.packets - base.packets) / seconds),
      bytes: Math.round(Number(row.bytes - base.bytes) / seconds),
    };
    if (rate.packets === 0) continue;
    const ways = from.get(row.from) ?? {};
    ways[row.to || 'other'] = rate;
    from.set(row.from, ways);
    const sum = to.get(row.to) ?? { packets: 0, bytes: 0 };
    sum.packets = round(sum.packets + rate.packets);
    sum.bytes += rate.bytes;
    to.set(row.to, sum);
  }
  return { from, to };
}

/** What left in all, from what XDP sent and what the interface counted. */
export function allThatLeft(sent: Rate, counted: Rate): Rate {
  if (counted.packets < sent.packets / 2)
    return { packets: round(counted.packets + sent.packets), bytes: counted.bytes + sent.bytes };
  const more = counted.packets - sent.packets;
  return {
    packets: more > sent.packets * 0.02 + 1 ? counted.packets : sent.packets || counted.packets,
    bytes: counted.bytes,
  };
}
