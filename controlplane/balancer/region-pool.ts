/**
 * Where in the arena of slots a ring stands: runs of whole lines, first fit. A run that was given back is not handed out
 * again before the packets that might still read it are gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Grace } from '../routing/fib/grace.ts';

const WAIT_MS = 20;

interface Run {
  first: number;
  count: number;
}

export class RegionPool {
  readonly lines: number;
  readonly #grace: Grace;
  /** In order, never touching each other. */
  #free: Run[];
  #waiting: { readonly run: Run; readonly mark: number }[] = [];

  constructor(lines: number, grace: Grace) {
    this.lines = lines;
    this.#grace = grace;
    this.#free = [{ first: 0, count: lines }];
  }

  /** Lines in use, or not free yet. */
  get used(): number {
    this.#ripen();
    return this.lines - this.#free.reduce((sum, { count }) => sum + count, 0);
  }

  /** The longest run that can be had now. */
  get longest(): number {
    this.#ripen();
    return this.#free.reduce((longest, { count }) => Math.max(longest, count), 0);
  }

  /** Would runs of these lengths be found one after the other, once nobody reads what was given back? */
  holds(counts: readonly number[]): boolean {
    const then = new RegionPool(this.lines, { mark: () => 0, passed: () => true });
    then.#free = this.#free.map((run) => ({ ...run }));
    for (const { run } of this.#waiting) then.#insert(run);
    return counts.every((count) => then.take(count) >= 0);
  }

  /** Resolves when a run of that many lines can be had, or when waiting for it is of no use. */
  async wait(count: number): Promise<void> {
    while (this.longest < count && this.#waiting.length > 0) await sleep(WAIT_MS);
  }

  /** @returns the first line, or -1 when no run is long enough. */
  take(count: number): number {
    this.#ripen();
    const at = this.#free.findIndex((run) => run.count >= count);
    const run = this.#free[at];
    if (!run) return -1;
    const { first } = run;
    run.first += count;
    run.count -= count;
    if (run.count === 0) this.#free.splice(at, 1);
    return first;
  }

  /** Takes the very run a former daemon left. @returns false when part of it is taken already. */
  reserve(first: number, count: number): boolean {
    const at = this.#free.findIndex((run) => run.first <= first && first + count <= run.first + run.count);
    const run = this.#free[at];
    if (!run || count === 0) return false;
    const after = { first: first + count, count: run.first + run.count - first - count };
    const before = { first: run.first, count: first - run.first };
    this.#free.splice(at, 1, ...[before, after].filter((part) => part.count > 0));
    return true;
  }

  /** No packet that starts from now on finds it. */
  give(first: number, count: number): void {
    this.#waiting.push({ run: { first, count }, mark: this.#grace.mark() });
  }

  #ripen(): void {
    const still = this.#waiting.filter(({ run, mark }) => {
      if (!this.#grace.passed(mark)) return true;
      this.#insert(run);
      return false;
    });
    this.#waiting = still;
  }

  #insert(run: Run): void {
    let at = this.#free.findIndex((other) => other.first > run.first);
    if (at === -1) at = this.#free.length;
    this.#free.splice(at, 0, { ...run });
    for (const i of [at, at - 1]) {
      const [left, right] = [this.#free[i], this.#free[i + 1]];
      if (left && right && left.first + left.count === right.first) {
        left.count += right.count;
        this.#free.splice(i + 1, 1);
      }
    }
  }
}
