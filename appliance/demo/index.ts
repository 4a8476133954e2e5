/**
 * `headrace demo`: a small Internet on this machine, real daemons and real traffic, first forwarded by the kernel alone,
 * then by Headrace, with the numbers side by side. Ends by itself and leaves nothing behind.
 */
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counter, headrace, Lab } from '../../test/lab/library/index.ts';
import { Display, type Flow, fast, flows, grouped } from './display.ts';
import { buildInternet } from './internet.ts';
import { type Rate, RateMeter } from './rate.ts';
import { Traffic, type TrafficReport } from './traffic.ts';

export interface DemoOptions {
  /** Do not ask before building. Default false; nothing is asked where there is no terminal. */
  readonly yes?: boolean;
  /** Print one JSON object at the end and nothing else. Default false. */
  readonly json?: boolean;
  /** How long traffic runs in each of the two phases, in seconds. Default 12, at least 3. */
  readonly seconds?: number;
}

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
    /** Share of routed packets that took the fast path, 0 to 1. */
    readonly fastShare: number;
  };
  /** Headrace's rate by the kernel's. */
  readonly speedup: number;
}

/** Runs the demo. @returns the exit status: 0 when all of it worked, 1 when not. */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  if (process.getuid?.() !== 0) {
    process.stderr.write('run the demo: network namespaces and BPF need root: run it with sudo\n');
    return 1;
  }
  if (options.yes !== true && options.json !== true && process.stdin.isTTY && !(await agreed())) return 0;
  const display = new Display(options.json === true);
  const lab = new Lab('demo');
  try {
    const result = await demonstrate(lab, display, Math.max(3, options.seconds ?? 12));
    lab.cleanup();
    if (options.json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else conclude(display, result);
    return result.worked ? 0 : 1;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`run the demo: ${message}\n`);
    return 1;
  } finally {
    lab.cleanup();
  }
}

async function agreed(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(
      'The demo builds seven network namespaces, runs BIRD and FRR in them for about a minute, and removes them. Go on? [Y/n] ',
    );
    return !/^n/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

async function demonstrate(lab: Lab, display: Display, seconds: number): Promise<DemoResult> {
  display.say('Building a small Internet: home ─ west (BIRD) ─ box ─ east (FRR) ─ web, with BGP for IPv4 and IPv6 …');
  const internet = await buildInternet(lab);
  using meter = new RateMeter(internet);

  display.say(`Routes learned. ${seconds} s of traffic, forwarded by the kernel alone:`);
  const before = await Traffic.start(internet);
  await delay(seconds * 1000);
  const kernelTraffic = await before.stop();
  const kernelRate = await meter.measure();
  display.say(`  ${accountOf(kernelTraffic)}; at most ${grouped(kernelRate.packetsPerSecond)} pps on one CPU`);

  const box = await headrace(internet.box, {
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
  });
  display.say(`The same traffic with Headrace on the box (${box.process.stdout.trim().split('\n')[0] ?? 'ready'}):`);
  const traffic = await Traffic.start(internet);
  const start = Date.now();
  const first = box.counters();
  let last: { at: number; counters: Counter[] } = { at: start, counters: first };
  for (let left = seconds; left > 0; left = seconds - (Date.now() - start) / 1000) {
    await delay(Math.min(1000, left * 1000));
    const now = { at: Date.now(), counters: box.counters() };
    const rows = flows(last.counters, now.counters, (now.at - last.at) / 1000);
    display.table(left, rows, `${grouped(traffic.pagesFetched)} pages fetched`);
    last = now;
  }
  const overall = flows(first, last.counters, (last.at - start) / 1000);
  const headraceTraffic = await traffic.stop();
  const rate = await meter.measure();
  const detach = await box.stop().then(() => box.detach());
  return judge(
    { rate: kernelRate, traffic: kernelTraffic },
    { rate, traffic: headraceTraffic, flows: overall },
    detach.status === 0 ? [] : [`detach failed: ${detach.stderr.trim()}`],
  );
}

function judge(
  kernel: DemoResult['kernel'],
  measured: Omit<DemoResult['headrace'], 'fastShare'>,
  found: readonly string[],
): DemoResult {
  const problems = [...found];
  const fastRate = sumOf(measured.flows.filter(fast));
  const fastShare = fastRate / Math.max(1, sumOf(measured.flows));
  for (const [who, { traffic, rate }] of [
    ['the kernel', kernel],
    ['Headrace', measured],
  ] as const) {
    if (traffic.stream.lost > 0) problems.push(`${grouped(traffic.stream.lost)} packets lost with ${who}`);
    if (traffic.stream.received === 0) problems.push(`no packet arrived with ${who}`);
    if (traffic.pagesFetched === 0 || traffic.pagesFailed > 0)
      problems.push(`${traffic.pagesFailed} pages could not be fetched with ${who}`);
    if (rate.received === 0) problems.push(`nothing of the flood came through with ${who}`);
  }
  if (fastShare < 0.5) problems.push(`only ${Math.round(fastShare * 100)} % of packets took the fast path`);
  return {
    worked: problems.length === 0,
    problems,
    kernel,
    headrace: { ...measured, fastShare },
    speedup: measured.rate.packetsPerSecond / Math.max(1, kernel.rate.packetsPerSecond),
  };
}

function conclude(display: Display, result: DemoResult): void {
  const { kernel, headrace: own } = result;
  display.say(`  ${accountOf(own.traffic)}; at most ${grouped(own.rate.packetsPerSecond)} pps on one CPU`);
  display.say('');
  display.say(`${''.padEnd(28)}${'kernel alone'.padStart(14)}${'Headrace'.padStart(14)}`);
  const row = (name: string, left: string, right: string): void =>
    display.say(`${name.padEnd(28)}${left.padStart(14)}${right.padStart(14)}`);
  row('packets per second, one CPU', grouped(kernel.rate.packetsPerSecond), grouped(own.rate.packetsPerSecond));
  row('stream packets received', grouped(kernel.traffic.stream.received), grouped(own.traffic.stream.received));
  row('stream packets lost', grouped(kernel.traffic.stream.lost), grouped(own.traffic.stream.lost));
  row('pages fetched', grouped(kernel.traffic.pagesFetched), grouped(own.traffic.pagesFetched));
  row('on the fast path', '0 %', `${(own.fastShare * 100).toFixed(1)} %`);
  display.say('');
  display.say(
    result.worked
      ? `It works: ${result.speedup.toFixed(1)} × the kernel's packet rate, and nothing lost. Everything is removed again.`
      : `It did not work: ${result.problems.join('; ')}.`,
  );
}

function accountOf({ stream, pagesFetched }: TrafficReport): string {
  return `${grouped(stream.received)} of ${grouped(stream.sent)} stream packets arrived, ${grouped(pagesFetched)} pages fetched`;
}

function sumOf(rows: readonly Flow[]): number {
  return rows.reduce((sum, row) => sum + row.packetsPerSecond, 0);
}
