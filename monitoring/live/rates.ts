/** From two readings of the packet path's counters to rates, by interface, outcome and reason. */
import type { CounterRow } from '../../controlplane/dataplane/index.ts';
import { type LiveReason, type Outcome, outcomes, type Rate, type Traffic } from './snapshot.ts';
import { wordsFor } from './words.ts';

export interface CounterReading {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly rows: readonly CounterRow[];
}

export interface CounterRates {
  readonly total: Traffic;
  readonly interfaces: ReadonlyMap<string, Traffic>;
  /** Those that ever counted; the largest rate first, then the largest number. */
  readonly reasons: readonly LiveReason[];
}

export const noTraffic: Traffic = {
  fast: { packets: 0, bytes: 0 },
  kernel: { packets: 0, bytes: 0 },
  dropped: { packets: 0, bytes: 0 },
};

/** Who handled a packet of that verdict. */
export function outcomeOf(verdict: string): Outcome {
  if (verdict === 'redirect' || verdict === 'tx') return 'fast';
  return verdict === 'pass' ? 'kernel' : 'dropped';
}

type Sums = Record<Outcome, { packets: number; bytes: number }>;
const zero = (): Sums => ({
  fast: { packets: 0, bytes: 0 },
  kernel: { packets: 0, bytes: 0 },
  dropped: { packets: 0, bytes: 0 },
});

/** Counters that went back were started anew: what they hold came since. */
export function counterRates(before: CounterReading, after: CounterReading): CounterRates {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const former = new Map(before.rows.map((row) => [keyOf(row), row]));
  const total = zero();
  const interfaces = new Map<string, Sums>();
  const reasons = new Map<string, { outcome: Outcome; reason: string; packets: number; total: number }>();
  for (const row of after.rows) {
    const old = former.get(keyOf(row));
    const goneBack = old !== undefined && row.packets < old.packets;
    const packets = Number(row.packets - (old && !goneBack ? old.packets : 0n));
    const bytes = Number(row.bytes - (old && !goneBack ? old.bytes : 0n));
    const outcome = outcomeOf(row.verdict);
    const sums = interfaces.get(row.interface) ?? zero();
    interfaces.set(row.interface, sums);
    for (const to of [sums[outcome], total[outcome]]) {
      to.packets += packets;
      to.bytes += bytes;
    }
    const key = `${outcome} ${row.reason}`;
    const reason = reasons.get(key) ?? { outcome, reason: row.reason, packets: 0, total: 0 };
    reason.packets += packets;
    reason.total += Number(row.packets);
    reasons.set(key, reason);
  }
  return {
    total: perSecond(total, seconds),
    interfaces: new Map([...interfaces].map(([name, sums]) => [name, perSecond(sums, seconds)])),
    reasons: [...reasons.values()]
      .map((reason) => ({
        ...reason,
        packets: round(reason.packets / seconds),
        words: wordsFor(reason.outcome, reason.reason),
      }))
      .sort(mostFirst),
  };
}

/** The largest rate first, then the largest number. */
export function mostFirst(a: LiveReason, b: LiveReason): number {
  return b.packets - a.packets || b.total - a.total || a.reason.localeCompare(b.reason);
}

function keyOf({ interface: name, verdict, reason }: CounterRow): string {
  return `${name} ${verdict} ${reason}`;
}

function perSecond(sums: Sums, seconds: number): Traffic {
  const rate = ({ packets, bytes }: Rate): Rate => ({
    packets: round(packets / seconds),
    bytes: Math.round(bytes / seconds),
  });
  return Object.fromEntries(outcomes.map((outcome) => [outcome, rate(sums[outcome])])) as unknown as Traffic;
}

/** A tenth is enough for who reads it, and keeps differences small. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
