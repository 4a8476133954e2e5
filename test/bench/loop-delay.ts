/**
 * Preloaded into a daemon (`node --import`): how long its main thread's event loop was kept, written to a file once a
 * second. Writing the file's name with `.reset` behind starts anew.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 5;

export interface LoopDelay {
  /** Milliseconds beyond the timer's own period. */
  readonly p50: number;
  readonly p999: number;
  readonly max: number;
  readonly samples: number;
}

/** Environment that has a Node process measure itself. */
export function loopDelayEnvironment(file: string): Record<string, string> {
  return { NODE_OPTIONS: `--import ${import.meta.url}`, HEADRACE_LOOP_DELAY: file };
}

/** Starts anew: what came before does not count. */
export async function resetLoopDelay(file: string): Promise<void> {
  writeFileSync(`${file}.reset`, '');
  while (existsSync(`${file}.reset`)) await new Promise((resolve) => setTimeout(resolve, 20));
}

export function readLoopDelay(file: string): LoopDelay {
  return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
}

const target = process.env['HEADRACE_LOOP_DELAY'];
if (target && isMainThread && process.argv[2] === 'run') {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  setInterval(() => {
    const { count: samples } = delay;
    const figures: LoopDelay = {
      p50: beyond(delay.percentile(50)),
      p999: beyond(delay.percentile(99.9)),
      max: beyond(delay.max),
      samples,
    };
    writeFileSync(target, JSON.stringify(figures));
    if (!existsSync(`${target}.reset`)) return;
    delay.reset();
    rmSync(`${target}.reset`);
  }, 1000).unref();
}
