/**
 * Thousands of health checks in one process: how long they keep the event loop from anything else, how late they start,
 * and what they cost. The server they ask runs in a process of its own, on the loopback interface.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type CheckReport, HealthMonitor, type Probe } from '../../controlplane/health/index.ts';

/** How long the event loop was kept from other work, milliseconds. */
interface LoopDelay {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface ChecksReport {
  readonly kind: string;
  readonly checks: number;
  readonly intervalMs: number;
  /** Until every check had its first verdict. */
  readonly settledMs: number;
  readonly checksPerSecond: number;
  readonly failed: number;
  readonly loopDelayMs: LoopDelay;
  /** The latest any check started after it was due, milliseconds. */
  readonly maxLagMs: number;
  /** Of one CPU. */
  readonly cpuShare: number;
}

interface ChecksOptions {
  readonly json: boolean;
  readonly count: number;
  readonly interval: number;
  readonly seconds: number;
}

const SERVER = `
const { createServer } = require('node:http');
createServer((request, response) => response.end('well'))
  .on('connection', (socket) => socket.on('error', () => {}))
  .listen(0, '127.0.0.1', 4096, function () { console.log(this.address().port); });`;

async function measure(kind: 'tcp' | 'http', port: number, options: ChecksOptions): Promise<ChecksReport> {
  const probe: Probe =
    kind === 'tcp'
      ? { kind, port }
      : {
          kind,
          port,
          method: 'GET',
          path: '/',
          status: [[200, 200]],
          contains: 'well',
          maxBodyBytes: 1024,
          verify: true,
        };
  const check = {
    probes: [probe],
    intervalMs: options.interval,
    fastIntervalMs: options.interval / 4,
    timeoutMs: 2000,
    jitter: 0.1,
    rise: 3,
    fall: 2,
    holdDownMs: 0,
  };
  const monitor = new HealthMonitor();
  const targets = Array.from({ length: options.count }, (_, i) => ({
    pool: 'p',
    backend: `b${i}`,
    address: '127.0.0.1',
    check,
  }));
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const started = performance.now();
  monitor.configure([{ pool: 'p', panicBelow: 0, targets }]);
  while (!monitor.settled('p')) await delay(5);
  const settledMs = performance.now() - started;
  const sum = (report: CheckReport[], of: (one: CheckReport) => number): number =>
    report.reduce((total, one) => total + of(one), 0);
  const before = sum(monitor.report(), ({ counts }) => counts.success);
  const cpu = process.cpuUsage();
  const from = performance.now();
  await delay(options.seconds * 1000);
  const used = process.cpuUsage(cpu);
  const seconds = (performance.now() - from) / 1000;
  loop.disable();
  const report = monitor.report();
  const { maxLagMs } = monitor.schedule;
  monitor.close();
  return {
    kind,
    checks: options.count,
    intervalMs: options.interval,
    settledMs,
    checksPerSecond: (sum(report, ({ counts }) => counts.success) - before) / seconds,
    failed: sum(report, ({ counts }) => counts.failure + counts.timeout + counts.error),
    loopDelayMs: delaysOf(loop),
    maxLagMs,
    cpuShare: (used.user + used.system) / 1e6 / seconds,
  };
}

/** The same without any check: on a busy machine, other processes keep a loop waiting as well. */
async function idleLoop(seconds: number): Promise<LoopDelay> {
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  await delay(seconds * 1000);
  loop.disable();
  return delaysOf(loop);
}

function delaysOf(loop: IntervalHistogram): LoopDelay {
  return { median: loop.percentile(50) / 1e6, p99: loop.percentile(99) / 1e6, max: loop.max / 1e6 };
}

/** Measures and prints, as lines or as JSON. */
export async function printChecks(options: ChecksOptions): Promise<void> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = (await once(server.stdout!, 'data')) as [Buffer];
    const idle = await idleLoop(options.seconds);
    const reports: ChecksReport[] = [];
    for (const kind of ['tcp', 'http'] as const) reports.push(await measure(kind, Number(line), options));
    if (options.json) {
      console.log(JSON.stringify({ idle, reports }, undefined, 2));
      return;
    }
    const ms = (value: number): string => value.toFixed(1);
    console.log(
      `no checks: event loop kept ${ms(idle.median)} ms (median), ${ms(idle.p99)} (99 %), ${ms(idle.max)} (most): ` +
        'what the machine itself does',
    );
    for (const r of reports)
      console.log(
        `${r.checks} ${r.kind} checks every ${r.intervalMs} ms: settled in ${ms(r.settledMs)} ms, ` +
          `${Math.round(r.checksPerSecond)} a second, ${r.failed} failed, ${Math.round(r.cpuShare * 100)} % of a CPU; ` +
          `event loop kept ${ms(r.loopDelayMs.median)} ms (median), ${ms(r.loopDelayMs.p99)} (99 %), ` +
          `${ms(r.loopDelayMs.max)} (most); started up to ${ms(r.maxLagMs)} ms late`,
      );
  } finally {
    server.kill();
  }
}
