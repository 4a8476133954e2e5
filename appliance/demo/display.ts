/**
 * What the demo shows while it runs: a table redrawn in place on a terminal, a line now and then elsewhere, and nothing
 * but the result at the end with --json.
 */
import type { Counter } from '../../test/lab/library/index.ts';

/** Packets per second by verdict and reason, summed over interfaces. */
export interface Flow {
  readonly verdict: string;
  readonly reason: string;
  readonly packetsPerSecond: number;
}

/** The change between two readings of the counters, largest first, without what stood still. */
export function flows(before: readonly Counter[], after: readonly Counter[], seconds: number): Flow[] {
  const sums = new Map<string, number>();
  for (const [sign, counters] of [
    [-1, before],
    [1, after],
  ] as const) {
    for (const { verdict, reason, packets } of counters) {
      const key = `${verdict} ${reason}`;
      sums.set(key, (sums.get(key) ?? 0) + sign * packets);
    }
  }
  return [...sums]
    .filter(([, packets]) => packets > 0)
    .map(([key, packets]) => {
      const [verdict = '', reason = ''] = key.split(' ');
      return { verdict, reason, packetsPerSecond: packets / seconds };
    })
    .sort((a, b) => b.packetsPerSecond - a.packetsPerSecond);
}

/** Whether a verdict means that the fast path forwarded. */
export function fast(flow: Pick<Flow, 'verdict'>): boolean {
  return flow.verdict === 'redirect' || flow.verdict === 'tx';
}

const WHY: Readonly<Record<string, string>> = {
  ttl_expired: 'TTL or hop limit ran out: the kernel answers, as traceroute wants',
  local: 'for the box itself, such as BGP',
  group_frame: 'broadcast and multicast, such as ARP',
  other_ethertype: 'neither IPv4 nor IPv6, such as ARP',
  special_destination: 'link-local and the like, such as neighbor discovery',
  no_neighbor: "the next hop's address was not known yet: the kernel asks for it",
  unfinished_checksum: 'a sender on this machine left the checksum to hardware',
  unreachable: 'no route',
};

/** A verdict and reason, for somebody who has not read about them. */
export function meaningOf({ verdict, reason }: Pick<Flow, 'verdict' | 'reason'>): string {
  if (fast({ verdict })) return 'fast path: sent on by XDP';
  const way = verdict === 'drop' ? 'dropped' : 'kernel';
  return `${way}: ${reason}${WHY[reason] === undefined ? '' : ` (${WHY[reason]})`}`;
}

/** 1234567 as "1,234,567". */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export class Display {
  readonly #quiet: boolean;
  readonly #live = process.stdout.isTTY === true;
  #drawn = 0;
  #lastLineAt = Number.NEGATIVE_INFINITY;

  /** @param quiet print nothing at all. */
  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  /** A line that stays. */
  say(text: string): void {
    if (this.#quiet) return;
    process.stdout.write(`${text}\n`);
    this.#drawn = 0;
  }

  /** The live table. */
  table(secondsLeft: number, rows: readonly Flow[], note: string): void {
    if (this.#quiet) return;
    const fastRate = rows.filter(fast).reduce((sum, row) => sum + row.packetsPerSecond, 0);
    const slowRate = rows.filter((row) => !fast(row)).reduce((sum, row) => sum + row.packetsPerSecond, 0);
    if (!this.#live) {
      if (this.#lastLineAt - secondsLeft < 3 && Number.isFinite(this.#lastLineAt)) return;
      this.#lastLineAt = secondsLeft;
      const why = rows.filter((row) => !fast(row)).slice(0, 4);
      const reasons = why.map((row) => `${row.reason} ${grouped(row.packetsPerSecond)}`).join(', ');
      process.stdout.write(
        `  fast path ${grouped(fastRate)} pps, kernel ${grouped(slowRate)} pps${reasons && ` (${reasons})`}, ${note}\n`,
      );
      return;
    }
    const lines = [
      `  ${note}, ${Math.ceil(secondsLeft)} s to go`,
      `  ${'fast path'.padEnd(30)} ${grouped(fastRate).padStart(10)} pps`,
      ...rows.filter(fast).map(rowText),
      `  ${'kernel, and why'.padEnd(30)} ${grouped(slowRate).padStart(10)} pps`,
      ...rows.filter((row) => !fast(row)).map(rowText),
    ];
    this.redraw(lines);
  }

  /** Lines in the place of the last ones; on a terminal only. */
  redraw(lines: readonly string[]): void {
    if (this.#quiet || !this.#live) return;
    if (this.#drawn > 0) process.stdout.write(`\x1b[${this.#drawn}A\x1b[J`);
    process.stdout.write(`${lines.join('\n')}\n`);
    this.#drawn = lines.length;
  }
}

function rowText(row: Flow): string {
  return `    ${`${row.verdict} ${row.reason}`.padEnd(28)} ${grouped(row.packetsPerSecond).padStart(10)} pps`;
}
