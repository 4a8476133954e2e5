/** Whether the balancer's demo worked: who was asked how often, which connections broke, and what the box passed on. */
import { grouped } from '../display.ts';
import type { Rate } from '../rate.ts';
import type { Answers } from './requests.ts';
import { wantedShares } from './site.ts';

/** What was seen, stretch by stretch. */
export interface Seen {
  /** All servers well. */
  readonly even: Answers;
  /** While web3 was drained. */
  readonly drained: Answers;
  /** While no daemon ran. */
  readonly alone: Answers;
  /** From web2's death until the checks had found it. */
  readonly dying: Answers;
  /** From then on. */
  readonly dead: Answers;
  /** How long the checks took, milliseconds. */
  readonly noticedMs: number;
  readonly connections: {
    readonly held: number;
    /** On web2, when it died. */
    readonly ofDead: number;
    readonly broken: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
  readonly rates: { readonly nftables: Rate; readonly headrace: Rate };
}

/** The result, as --json prints it. */
export interface BalancerDemoResult extends Seen {
  readonly worked: boolean;
  /** What did not work, in words. */
  readonly problems: readonly string[];
  /** Headrace's rate by that of nftables. */
  readonly speedup: number;
}

/** @param found problems that are known already. */
export function judge(seen: Seen, found: readonly string[] = []): BalancerDemoResult {
  const problems = [...found];
  const { even, drained, alone, dead, connections, rates } = seen;
  for (const [when, { answered, failed }] of [
    ['while all was well', even],
    ['while web3 was drained', drained],
    ['while no daemon ran', alone],
    ['after the checks had found web2 dead', dead],
  ] as const) {
    if (answered === 0) problems.push(`no page was fetched ${when}`);
    if (failed > 0) problems.push(`${grouped(failed)} pages could not be fetched ${when}`);
  }
  // Chance alone spreads the share of one in four by a few in a hundred: five deviations are not chance.
  for (const [name, wanted] of Object.entries(wantedShares())) {
    const got = (even.byServer[name] ?? 0) / Math.max(1, even.answered);
    if (Math.abs(got - wanted) > 5 * Math.sqrt((wanted * (1 - wanted)) / Math.max(1, even.answered)) + 0.01)
      problems.push(`${name} got ${percent(got)} of the requests, not ${percent(wanted)}`);
  }
  for (const [name, when, answers] of [
    ['web3', 'drained', drained],
    ['web3', 'drained', alone],
    ['web2', 'dead', dead],
  ] as const)
    if (answers.byServer[name]) problems.push(`${name} was ${when} and got ${answers.byServer[name]} requests`);
  if (connections.held === 0) problems.push('no connection could be held');
  if (connections.broken > connections.ofDead)
    problems.push(`${connections.broken - connections.ofDead} connections broke that should have lived`);
  for (const [who, { sent, received }] of Object.entries(rates))
    if (!(received >= sent / 2))
      problems.push(`${grouped(received)} of ${grouped(sent)} packets of the flood came through ${who}`);
  return {
    worked: problems.length === 0,
    problems,
    ...seen,
    speedup: rates.headrace.packetsPerSecond / Math.max(1, rates.nftables.packetsPerSecond),
  };
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
