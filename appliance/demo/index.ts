/**
 * `headrace demo`: a small Internet on this machine, real daemons and real traffic, first forwarded by the kernel alone,
 * then by Headrace, with the numbers side by side. Ends by itself and leaves nothing behind.
 */
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Counter, headrace, Lab } from '../../test/lab/library/index.ts';
import { balancerDemoQuestion, concludeBalancer, demonstrateBalancer } from './balancer/index.ts';
import { Display, flows, grouped, meaningOf } from './display.ts';
import { buildInternet } from './internet.ts';
import { type DemoResult, fastPackets, judge } from './judge.ts';
import { RateMeter } from './rate.ts';
import { Traffic, type TrafficReport } from './traffic.ts';

export interface DemoOptions {
  /** Do not ask before building. Default false; nothing is asked where there is no terminal. */
  readonly yes?: boolean;
  /** Print one JSON object at the end and nothing else. Default false. */
  readonly json?: boolean;
  /** How long traffic runs in each of the two phases, or all of it for the balancer, in seconds. Default 12, at least 3. */
  readonly seconds?: number;
  /** The load balancer's demo instead of the router's. Default false. */
  readonly balancer?: boolean;
}

/** Runs the demo. @returns the exit status: 0 when all of it worked, 1 when not. */
export async function runDemo(options: DemoOptions = {}): Promise<number> {
  const seconds = options.seconds ?? 12;
  if (!(seconds >= 3 && seconds <= 3600)) {
    process.stderr.write('run the demo: --seconds: give a number from 3 to 3600\n');
    return 2;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('run the demo: network namespaces and BPF need root: run it with sudo\n');
    return 1;
  }
  if (
    options.yes !== true &&
    options.json !== true &&
    process.stdin.isTTY &&
    !(await agreed(options.balancer === true))
  )
    return 0;
  const display = new Display(options.json === true);
  process.stdout.once('error', () => process.exit(1)); // Nobody reads on; the lab cleans up.
  const lab = new Lab('demo');
  try {
    const [result, say] =
      options.balancer === true
        ? await withEnd(demonstrateBalancer(lab, display, seconds), concludeBalancer)
        : await withEnd(demonstrate(lab, display, seconds), conclude);
    lab.cleanup();
    if (options.json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else say(display);
    return result.worked ? 0 : 1;
  } catch (error) {
    // Ctrl-C reaches the lab's programs too, and may be noticed first by one that fails: let the lab end this then.
    await delay(100);
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`run the demo: ${message}\n`);
    return 1;
  } finally {
    lab.cleanup();
  }
}

/** A result, and how it is told. */
async function withEnd<Result>(
  work: Promise<Result>,
  conclusion: (display: Display, result: Result) => void,
): Promise<[Result, (display: Display) => void]> {
  const result = await work;
  return [result, (display) => conclusion(display, result)];
}

async function agreed(balancer: boolean): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const closed = new Promise<string>((resolve) => {
      terminal.once('close', () => resolve('no'));
      terminal.once('SIGINT', () => resolve('no'));
    });
    const answered = terminal.question(
      balancer
        ? balancerDemoQuestion
        : 'The demo builds seven network namespaces, runs BIRD and FRR in them for about a minute, and removes them. Go on? [Y/n] ',
    );
    return !/^n/i.test((await Promise.race([answered, closed])).trim());
  } finally {
    terminal.close();
  }
}

async function demonstrate(lab: Lab, display: Display, seconds: number): Promise<DemoResult> {
  display.say(
    'Building a small Internet: home ─ west (BIRD) ─ box ─ east (FRR) ─ web,\nwith BGP for IPv4 and IPv6 between west, box and east; traffic goes from home to web …',
  );
  const internet = await buildInternet(lab);
  using meter = new RateMeter(internet);

  display.say(`Routes learned. ${seconds} s of traffic, the box forwarding with the kernel alone:`);
  const before = await Traffic.start(internet);
  await delay(seconds * 1000);
  const kernelTraffic = await before.stop();
  const kernelRate = await meter.measure();
  display.say(`  ${accountOf(kernelTraffic)}; then, flooded: ${grouped(kernelRate.packetsPerSecond)} pps on one CPU`);

  const box = await headrace(internet.box, {
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
  });
  display.say(`The same traffic with Headrace on the box (${box.process.stdout.trim().split('\n')[0] ?? 'ready'}):`);
  // Before the first packet: the streams are under way while the last of them is being started.
  const beforeStream = box.counters();
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
  const afterStream = box.counters();
  const rate = await meter.measure();
  const floodFast = fastPackets(box.counters()) - fastPackets(afterStream);
  const detach = await box.stop().then(() => box.detach());
  return judge(
    { rate: kernelRate, traffic: kernelTraffic },
    {
      rate,
      traffic: headraceTraffic,
      flows: overall,
      streamFast: fastPackets(afterStream) - fastPackets(beforeStream),
      floodFast,
    },
    detach.status === 0 ? [] : [`detach failed: ${detach.stderr.trim()}`],
  );
}

function conclude(display: Display, result: DemoResult): void {
  const { kernel, headrace: own } = result;
  display.say(`  ${accountOf(own.traffic)}; then, flooded: ${grouped(own.rate.packetsPerSecond)} pps on one CPU`);
  display.say('');
  display.say(`${''.padEnd(28)}${'kernel alone'.padStart(14)}${'Headrace'.padStart(14)}`);
  const row = (name: string, left: string, right: string): void =>
    display.say(`${name.padEnd(28)}${left.padStart(14)}${right.padStart(14)}`);
  row('packets per second, one CPU', grouped(kernel.rate.packetsPerSecond), grouped(own.rate.packetsPerSecond));
  row('stream packets received', grouped(kernel.traffic.stream.received), grouped(own.traffic.stream.received));
  row('stream packets lost', grouped(kernel.traffic.stream.lost), grouped(own.traffic.stream.lost));
  row('pages fetched', grouped(kernel.traffic.pagesFetched), grouped(own.traffic.pagesFetched));
  row('share on the fast path', '-', `${(own.fastShare * 100).toFixed(1)} %`);
  display.say('');
  display.say('Where the packets went while Headrace was on, on average:');
  if (own.flows.length === 0) display.say('    nowhere that Headrace counted');
  for (const flow of own.flows) {
    const rate = flow.packetsPerSecond < 10 ? flow.packetsPerSecond.toFixed(1) : grouped(flow.packetsPerSecond);
    display.say(`${rate.padStart(9)} pps  ${meaningOf(flow)}`);
  }
  display.say('');
  display.say(
    result.worked
      ? `It works: ${result.speedup.toFixed(1)} × the kernel's packet rate on one CPU, and no stream packet lost. Everything is removed again.`
      : `It did not work: ${result.problems.join('; ')}. Everything is removed again.`,
  );
}

function accountOf({ stream, pagesFetched }: TrafficReport): string {
  return `${grouped(stream.received)} of ${grouped(stream.sent)} stream packets arrived, ${grouped(pagesFetched)} pages fetched`;
}
