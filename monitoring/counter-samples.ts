/** The packet path's counters as samples, with the common reasons of attached interfaces at 0 before they occur. */
import type { CounterRow } from '../controlplane/dataplane/index.ts';

/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: which of its series it is. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

const common: readonly (readonly [verdict: string, reason: string])[] = [
  ['redirect', 'forwarded'],
  ['redirect', 'forwarded_mirror'],
  ['tx', 'forwarded'],
  ['tx', 'forwarded_mirror'],
  ['pass', 'local'],
  ['pass', 'no_neighbor'],
  ['pass', 'ttl_expired'],
  ['pass', 'frag_needed'],
  ['pass', 'other_ethertype'],
  ['pass', 'egress_unable'],
  ['drop', 'truncated'],
];

/** @param interfaces those attached; the interface "other" stands for all without counters of their own. */
export function counterSamples(
  rows: readonly CounterRow[],
  interfaces: readonly string[],
): { readonly packets: Sample[]; readonly bytes: Sample[] } {
  const packets: Sample[] = [];
  const bytes: Sample[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const labels = { interface: row.interface || 'other', verdict: row.verdict, reason: row.reason };
    seen.add(`${row.interface} ${row.verdict} ${row.reason}`);
    packets.push({ labels, value: Number(row.packets) });
    bytes.push({ labels, value: Number(row.bytes) });
  }
  for (const name of interfaces)
    for (const [verdict, reason] of common) {
      if (seen.has(`${name} ${verdict} ${reason}`)) continue;
      const labels = { interface: name, verdict, reason };
      packets.push({ labels, value: 0 });
      bytes.push({ labels, value: 0 });
    }
  return { packets, bytes };
}
