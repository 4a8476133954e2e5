/** Whether the demo worked: what was sent must have arrived, and the box's own counters must say by which way. */
import type { Counter } from '../../test/lab/library/index.ts';
import { type Flow, fast, grouped } from './display.ts';
import type { Rate } from './rate.ts';
import type { TrafficReport } from './traffic.ts';

/** The demo's result, as --json prints it. */
export interface DemoResult {
  readonly worked: boolean;
  /** What did not work, in words; empty when all did. */
  readonly problems: readonly string[];
  readonly kernel: { readonly rate: Rate; readonly traffic: TrafficReport };
  readonly headrace: {
    readonly rate: Rate;
    readonly traffic: TrafficReport;
    /** Average over the phase. */
    readonly flows: readonly Flow[];
    /** Packets the fast path counted while the traffic ran; at least the stream's, if it forwarded them. */
    readonly streamFast: number;
    /** Packets the fast path counted during the flood. */
    readonly floodFast: number;
    /** Share of all packets that took the fast path while the traffic ran, 0 to 1. */
    readonly fastShare: number;
  };
  /** Headrace's rate by the kernel's. */
  readonly speedup: number;
}

/** Packets that the fast path forwarded, by these counters. */
export function fastPackets(counters: readonly Counter[]): number {
  return counters.filter(fast).reduce((sum, { packets }) => sum + packets, 0);
}

/** @param found problems that are known already. */
export function judge(
  kernel: DemoResult['kernel'],
  measured: Omit<DemoResult['headrace'], 'fastShare'>,
  found: readonly string[] = [],
): DemoResult {
  const problems = [...found];
  const fastShare = sumOf(measured.flows.filter(fast)) / Math.max(1, sumOf(measured.flows));
  for (const [who, { traffic, rate }] of [
    ['the kernel', kernel],
    ['Headrace', measured],
  ] as const) {
    const { stream, pagesFetched, pagesFailed } = traffic;
    if (stream.lost > 0) problems.push(`${grouped(stream.lost)} stream packets lost with ${who}`);
    if (stream.received === 0) problems.push(`no stream packet arrived with ${who}`);
    if (pagesFetched === 0) problems.push(`no page was fetched with ${who}`);
    if (pagesFailed > 0) problems.push(`${grouped(pagesFailed)} pages could not be fetched with ${who}`);
    if (!(rate.received >= rate.sent / 2) || rate.received === 0)
      problems.push(`${grouped(rate.received)} of ${grouped(rate.sent)} packets of the flood came through with ${who}`);
  }
  const { traffic, rate, streamFast, floodFast } = measured;
  if (!(fastShare >= 0.8)) problems.push(`only ${Math.round(fastShare * 100)} % of packets took the fast path`);
  if (!(streamFast >= traffic.stream.received * 0.95))
    problems.push(
      `the fast path counted ${grouped(streamFast)} packets while ${grouped(traffic.stream.received)} stream packets arrived`,
    );
  if (!(floodFast >= rate.received * 0.95))
    problems.push(`the fast path counted ${grouped(floodFast)} of ${grouped(rate.received)} packets of the flood`);
  return {
    worked: problems.length === 0,
    problems,
    kernel,
    headrace: { ...measured, fastShare },
    speedup: measured.rate.packetsPerSecond / Math.max(1, kernel.rate.packetsPerSecond),
  };
}

function sumOf(rows: readonly Flow[]): number {
  return rows.reduce((sum, row) => sum + row.packetsPerSecond, 0);
}
