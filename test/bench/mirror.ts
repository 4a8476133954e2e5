/**
 * The mirror of the routes at full size, on a box of namespaces with the real daemon and a real BIRD: how long it takes to
 * be valid, what it costs, and whether the loaded program goes where the kernel goes, before, during and after storms.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import {
  gateway,
  type Headrace,
  headrace,
  ipBatch,
  Lab,
  type MirrorStatus,
  minimalConfig,
  mirrorOf,
  Prober,
  until,
} from '../lab/library/index.ts';
import { loopDelayEnvironment, readLoopDelay, resetLoopDelay } from './loop-delay.ts';
import { type Comparison, MirrorBox, sumOf } from './mirror-box.ts';
import { TrustWatch } from './trust-watch.ts';

export interface MirrorBenchOptions {
  readonly ipv4: number;
  readonly ipv6: number;
  readonly probes: number;
  readonly json: boolean;
}

/** Probes compared at a time while routes change. */
const BATCH = 1000;
const withFib = (fib: 'helper' | 'mirror'): string => `${minimalConfig}router:\n  fib: ${fib}\n`;

/** Exit status 1 when the program went elsewhere than the kernel. */
export async function benchMirror(options: MirrorBenchOptions): Promise<void> {
  const figures: Record<string, unknown> = {
    machine: `Linux ${os.release()}, ${os.cpus().length} × ${os.cpus()[0]?.model}`,
    load: os.loadavg()[0],
  };
  const note = (name: string, value: unknown): void => {
    figures[name] = value;
    if (!options.json) console.log(`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  };
  let failed = 0;
  const check = (name: string, compared: Comparison): void => {
    failed += compared.wrong;
    note(name, compared);
  };

  await using lab = new Lab('mirrorbench');
  const inserted = performance.now();
  const box = await MirrorBox.make(lab, options.ipv4, options.ipv6);
  note('kernel has the routes of BIRD after', ms(performance.now() - inserted));
  const dumps = [await box.plainDump(), await box.plainDump()];
  const dumpMs = Math.min(...dumps.map((each) => each.ms));
  const dumpCpuMs = Math.min(...dumps.map((each) => each.cpuMs));
  note('reading them and doing nothing', `${ms(dumpMs)}, CPU ${ms(dumpCpuMs)}`);

  const loopFile = `${box.host.folder}/loop.json`;
  const daemon = await headrace(box.host, withFib('helper'), { env: loopDelayEnvironment(loopFile) });
  await until('the first figures', () => readLoopDelay(loopFile).samples > 0);
  await resetLoopDelay(loopFile);
  daemon.configure(withFib('mirror'));
  process.kill(daemon.process.pid, 'SIGHUP');
  await caughtUp(daemon);
  const { lastResync, tableBytes } = mirrorOf(daemon).mirror!;
  const beyond = lastResync!.totalMs - dumpMs;
  note('valid after', `${ms(lastResync!.totalMs)}, CPU of the thread ${ms(lastResync!.cpuMs)}`);
  note('routes a second beyond the dump', Math.round((lastResync!.routes / beyond) * 1000));
  note(
    'the same of CPU time: beside other work on this machine',
    Math.round((lastResync!.routes / (lastResync!.cpuMs - dumpCpuMs)) * 1000),
  );
  note('shared tables, MiB', tableBytes >> 20);
  note('memory of the daemon beyond them, MB', Math.round(residentBytes(daemon) / 1e6));
  note('main loop, reload and load, ms beyond its time', await loopFigures(loopFile));
  await resetLoopDelay(loopFile);

  using prober = new Prober(daemon, 'p9');
  using trust = new TrustWatch(daemon);
  /** Has a storm begin, and notes how long after its end both families are valid. */
  const storm = async (name: string, addresses: readonly Uint8Array[], begin: () => unknown): Promise<void> => {
    const began = Promise.resolve(begin());
    const { stormMs, validMs, invalidMs } = await box.watchStorm(addresses, trust, began);
    note(name, `${ms(validMs)} after the last change; changes ${ms(stormMs)}, not valid for ${ms(invalidMs)}`);
  };
  const quiet = async (name: string, count: number, seed: number): Promise<void> => {
    await caughtUp(daemon);
    let rest = count;
    const parts: Comparison[] = [];
    for (let part = seed * 1000; rest > 0; part++, rest -= 50_000)
      parts.push(box.compareQuiet(prober, box.addresses(Math.min(rest, 50_000), part)));
    check(name, sumOf(parts));
  };
  /** Compares all the time while `work` goes on. */
  const during = async (work: Promise<unknown>): Promise<Comparison> => {
    let over = false;
    const end = work.finally(() => {
      over = true;
    });
    const parts: Comparison[] = [];
    for (let seed = 1; !over; seed++)
      parts.push(await box.compareStable(prober, box.addresses(BATCH, seed, seed % 2 ? 'flap' : undefined)));
    await end;
    return sumOf(parts);
  };

  await quiet('random lookups after the load', options.probes / 4, 1);
  await storm('valid after a withdrawal of a twelfth', box.addresses(500, 9, 'gone'), () => box.set('gone', false));
  await quiet('random lookups after the withdrawal', options.probes / 8, 2);
  check('random lookups during ten seconds of flaps', await during(box.flap(10)));
  await storm('valid after flaps', box.addresses(500, 9, 'flap'), () => box.flap(10));
  await quiet('random lookups after the flaps', options.probes / 2, 3);

  ipBatch(box.host, [
    `nexthop add id 77 via ${gateway(2, 5)} dev p2`,
    ...Array.from(
      { length: 50_000 },
      (_, i) => `route add 10.${64 + (i >> 12)}.${(i >> 4) & 255}.${(i & 15) * 16}/28 nhid 77`,
    ),
  ]);
  await caughtUp(daemon);
  await storm('valid after a nexthop object of 50,000 routes went', [Uint8Array.of(10, 64, 1, 1)], () =>
    box.host.ip('nexthop delete id 77'),
  );
  await quiet('random lookups after it', options.probes / 16, 4);
  await storm('valid after a link with a quarter of the routes went', box.addresses(500, 9), () =>
    box.host.ip('link set p3 down'),
  );
  await quiet('random lookups after it went', options.probes / 16, 5);
  const { longestSliceCpuMs, longestSliceMs, lagged, overruns, sampler, resyncs } = mirrorOf(daemon).mirror!;
  note('longest slice of the worker, ms of CPU', round(longestSliceCpuMs));
  note('the same by the clock', round(longestSliceMs));
  note('counted by the worker', { lagged, overruns, resyncs, ...sampler });
  note('main loop, storms and links, ms beyond its time', await loopFigures(loopFile));

  check('random lookups while the daemon is killed', await killed(box, daemon, prober, note));
  if (options.json) console.log(JSON.stringify(figures, undefined, 2));
  process.exitCode = failed > 0 ? 1 : 0;
}

/**
 * Kills the daemon in the middle of flaps: until the lease is over the tables may be old, after it the helper answers.
 * @returns what was compared from then on.
 */
async function killed(
  box: MirrorBox,
  daemon: Headrace,
  prober: Prober,
  note: (name: string, value: unknown) => void,
): Promise<Comparison> {
  const flaps = box.flap(12);
  await daemon.kill();
  const began = performance.now();
  let lastWrong = 0;
  const after: Comparison[] = [];
  let over = false;
  const end = flaps.finally(() => {
    over = true;
  });
  for (let seed = 1; !over; seed++) {
    const compared = await box.compareStable(prober, box.addresses(BATCH, seed, 'flap'));
    const now = performance.now() - began;
    if (now < 5000) {
      if (compared.wrong > 0) lastWrong = now;
    } else after.push(compared);
  }
  await end;
  note('killed: the last old answer after', ms(lastWrong));
  return sumOf(after);
}

/** Waits until everything known is written and both families are valid. */
async function caughtUp(daemon: Headrace): Promise<void> {
  await until(
    'the mirror to have caught up',
    async () => {
      const { mirror } = (await daemon.ask<{ parts: { fib: MirrorStatus } }>('/status')).parts.fib;
      return mirror?.ipv4.valid && mirror.ipv6.valid && mirror.ipv4.pending + mirror.ipv6.pending === 0;
    },
    { timeoutMs: 300_000, everyMs: 250 },
  );
}

/** Resident memory of the daemon but for maps that are mapped into it. */
function residentBytes(daemon: Headrace): number {
  let bytes = 0;
  let counts = false;
  for (const line of readFileSync(`/proc/${daemon.process.pid}/smaps`, 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) counts = !line.includes('bpf-map');
    const resident = /^Rss:\s+(\d+) kB/.exec(line);
    if (counts && resident) bytes += Number(resident[1]) * 1024;
  }
  return bytes;
}

async function loopFigures(file: string): Promise<unknown> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const { p50, p999, max, samples } = readLoopDelay(file);
  return { p50: round(p50), p999: round(p999), max: round(max), samples };
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
