/**
 * The packet path's counters as samples, with
 * reasons of attached interfaces at 0 before they occur: what is born with a value has no rate at first.
 */
import type { CounterRow } from '../controlplane/dataplane/index.ts';

/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: which of its series it is. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

/** Kinds of packets there are on a box. */
export interface CountedStages {
  readonly balance: boolean;
  readonly nat: boolean;
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
  ['drop', 'malformed'],
  ['drop', 'no_neighbor_limited'],
];
const ofServices: typeof common = [
  ['redirect', 'balanced'],
  ['tx', 'balanced'],
  ['pass', 'balanced_local'],
  ...[
    ...['no_service', 'no_backend', 'backend_unresolved', 'backend_unable', 'vip_icmp', 'vip_fragment', 'vip_unfit'],
    ...['vip_ttl', 'vip_too_big'],
  ].map((reason) => ['drop', reason] as const),
];
const translated: typeof common = [
  ['redirect', 'nat_reply'],
  ['tx', 'nat_reply'],
  ...['nat_no_flow', 'nat_refused', 'nat_ports', 'nat_hairpin'].map((reason) => ['drop', reason] as const),
];

/** @param interfaces those attached; the interface "other" stands for all without counters of their own. */
export function counterSamples(
  rows: readonly CounterRow[],
  interfaces: readonly string[],
  stages: CountedStages = { balance: false, nat: false },
): { readonly packets: Sample[]; readonly bytes: Sample[] } {
  const packets: Sample[] = [];
  const bytes: Sample[] = [];
  const seen = new Set<string>();
  const expected = [...common, ...(stages.balance ? ofServices : []), ...(stages.nat ? translated : [])];
  for (const row of rows) {
    const labels = { interface: row.interface || 'other', verdict: row.verdict, reason: row.reason };
    seen.add(`${row.interface} ${row.verdict} ${row.reason}`);
    packets.push({ labels, value: Number(row.packets) });
    bytes.push({ labels, value: Number(row.bytes) });
  }
  for (const name of interfaces)
    for (const [verdict, reason] of expected) {
      if (seen.has(`${name} ${verdict} ${reason}`)) continue;
      const labels = { interface: name, verdict, reason };
      packets.push({ labels, value: 0 });
      bytes.push({ labels, value: 0 });
    }
  return { packets, bytes };
}
