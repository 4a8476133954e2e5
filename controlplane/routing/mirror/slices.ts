/** Work cut into slices of a few milliseconds, between which the event loop has its turn. */

import { threadCpuMs } from '../../bpf/libc.ts';

/** A slice ends at the first look at the clock after it. */
export const sliceMs = 4;

export class Slices {
  #start = 0;
  #cpuStart = 0;
  #longest = 0;
  #longestCpu = 0;

  /** The longest time the thread did not give way, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** The same in CPU time: without what others on this machine took of it. */
  get longestCpu(): number {
    return this.#longestCpu;
  }

  /** When the present slice should end, as performance.now() counts. */
  get deadline(): number {
    return this.#start + sliceMs;
  }

  begin(): void {
    this.#start = performance.now();
    this.#cpuStart = threadCpuMs();
  }

  end(): void {
    this.#longest = Math.max(this.#longest, performance.now() - this.#start);
    this.#longestCpu = Math.max(this.#longestCpu, threadCpuMs() - this.#cpuStart);
  }

  /** Gives way when the slice is over: undefined when it is not. */
  breathe(): Promise<void> | undefined {
    if (performance.now() < this.deadline) return undefined;
    this.end();
    return new Promise((resolve) =>
      setImmediate(() => {
        this.begin();
        resolve();
      }),
    );
  }
}
