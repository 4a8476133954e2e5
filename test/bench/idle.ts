/**
 * What the daemon costs a box on which nothing happens: CPU time of a whole daemon with the default configuration and two
 * ports, as its units run it, and its memory. Measured by the kernel's own account of the process, after its start has
 * settled.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { headrace, minimalConfig, routedPair } from '../lab/library/index.ts';
import { Lab } from '../lab/library/lab.ts';
import { summarize } from './statistics.ts';

/** clock_t of /proc/PID/stat: USER_HZ, 100 on every Linux Node runs on. */
const MS_PER_CLOCK_TICK = 10;
const SETTLE_MS = 15_000;

export interface IdleOptions {
  readonly json: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchIdle({ json, rounds, seconds }: IdleOptions): Promise<void> {
  const lab = new Lab('idle');
  try {
    const { box } = routedPair(lab);
    const daemon = await headrace(box, minimalConfig, { as: 'unit' });
    const { pid } = daemon.process;
    await delay(SETTLE_MS);
    const shares: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const [before, since] = [cpuMs(pid), performance.now()];
      await delay(seconds * 1000);
      shares.push((100 * (cpuMs(pid) - before)) / (performance.now() - since));
    }
    const report = { rounds, seconds, percentOfACore: summarize(shares), residentMiB: residentMiB(pid) };
    if (json) console.log(JSON.stringify(report, undefined, 2));
    else
      console.log(
        `idle daemon, ${rounds} times ${seconds} s: ${report.percentOfACore.min.toFixed(2)} % of a core at least, ` +
          `${report.percentOfACore.median.toFixed(2)} median; ${report.residentMiB.toFixed(0)} MiB resident`,
      );
  } finally {
    lab.cleanup();
  }
}

/** User and system time of the process, all threads. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name may hold blanks and brackets; utime and stime are fields 14 and 15, counted from 1.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_CLOCK_TICK;
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
