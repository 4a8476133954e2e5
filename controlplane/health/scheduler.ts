/**
 * Runs many small jobs again and again, each when it is due, and never so many at once that anything else has to wait.
 *
 * One heap and one timer. A turn starts jobs until it has started `startsPerTurn` or used `turnBudgetMs`, whatever comes
 * first, and goes on a millisecond later: five thousand checks that are due together become a steady trickle, between
 * whose turns the event loop serves everything else. When too many are under way, those due wait for one to end.
 */
import type { Clock, Timer } from './clock.ts';

/** One run: settles when the job is over, with the moment it is due next. One that fails is run again a second later. */
export type Job = () => Promise<number>;

export interface SchedulerOptions {
  /** Jobs under way at a time. Default 4096: each may hold a socket. */
  readonly maxInFlight?: number;
  /** Default 16. */
  readonly startsPerTurn?: number;
  /** Default 3. */
  readonly turnBudgetMs?: number;
  /** Hears of a job that failed, which none should; by default Node warns of it on standard error. */
  readonly onError?: (error: Error) => void;
}

const RETRY_MS = 1000;
/** The longest lag is told for at least so long, and at most twice as long. */
const LAGS_KEPT_MS = 30_000;

export interface SchedulerStatistics {
  readonly jobs: number;
  readonly inFlight: number;
  /** How long after it was due the last job started, milliseconds. */
  readonly lagMs: number;
  /** The longest of that in the last half to whole minute. */
  readonly maxLagMs: number;
}

class Entry {
  due: number;
  readonly job: Job;
  cancelled = false;

  constructor(due: number, job: Job) {
    this.due = due;
    this.job = job;
  }
}

export class Scheduler {
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  readonly #startsPerTurn: number;
  readonly #turnBudgetMs: number;
  readonly #onError: (error: Error) => void;
  readonly #heap: Entry[] = [];
  #jobs = 0;
  #inFlight = 0;
  #lagMs = 0;
  /** The largest lag of this half minute and of the one before. */
  #maxLags: [current: number, former: number] = [0, 0];
  #lagsSince = 0;
  #timer: Timer | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(clock: Clock, options: SchedulerOptions = {}) {
    this.#clock = clock;
    this.#maxInFlight = options.maxInFlight ?? 4096;
    this.#startsPerTurn = options.startsPerTurn ?? 16;
    this.#turnBudgetMs = options.turnBudgetMs ?? 3;
    this.#onError = options.onError ?? ((error) => process.emitWarning(error));
  }

  get statistics(): SchedulerStatistics {
    this.#turnLags(this.#clock.now());
    const maxLagMs = Math.max(...this.#maxLags);
    return { jobs: this.#jobs, inFlight: this.#inFlight, lagMs: this.#lagMs, maxLagMs };
  }

  /** Runs `job` at `due` and from then on when it says. @returns what ends that; a run under way is not stopped. */
  add(due: number, job: Job): () => void {
    const entry = new Entry(due, job);
    this.#jobs++;
    this.#push(entry);
    this.#arm();
    return () => {
      if (!entry.cancelled) this.#jobs--;
      entry.cancelled = true;
    };
  }

  #turn(): void {
    const started = this.#clock.now();
    for (let count = 0; count < this.#startsPerTurn && this.#inFlight < this.#maxInFlight; ) {
      const now = this.#clock.now();
      const entry = this.#heap[0];
      if (!entry || entry.due > now || (count > 0 && now - started >= this.#turnBudgetMs)) break;
      this.#pop();
      if (entry.cancelled) continue;
      count++;
      this.#lagMs = now - entry.due;
      this.#turnLags(now);
      this.#maxLags[0] = Math.max(this.#maxLags[0], this.#lagMs);
      this.#start(entry);
    }
    this.#arm();
  }

  /** Reading changes nothing, so that several may: what was, goes with time. */
  #turnLags(now: number): void {
    if (now - this.#lagsSince < LAGS_KEPT_MS) return;
    this.#maxLags = [0, now - this.#lagsSince < 2 * LAGS_KEPT_MS ? this.#maxLags[0] : 0];
    this.#lagsSince = now;
  }

  #start(entry: Entry): void {
    this.#inFlight++;
    // Started within the promise, so that one that throws at once is one that rejects.
    const run = new Promise<number>((resolve) => resolve(entry.job()));
    void run
      .catch((error: unknown) => {
        this.#onError(error instanceof Error ? error : new Error(String(error)));
        return this.#clock.now() + RETRY_MS;
      })
      .then((due) => {
        this.#inFlight--;
        if (this.#closed) return;
        if (!entry.cancelled) {
          entry.due = due;
          this.#push(entry);
        }
        this.#arm();
      });
  }

  /** One timer, for the job that is due first. */
  #arm(): void {
    if (this.#closed || this.#inFlight >= this.#maxInFlight) return;
    const first = this.#heap[0];
    if (!first) return;
    const due = Math.max(first.due, this.#clock.now() + 1);
    if (this.#timer && this.#timerDue <= due) return;
    this.#timer?.cancel();
    this.#timerDue = due;
    this.#timer = this.#clock.after(due - this.#clock.now(), () => {
      this.#timer = undefined;
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#turn();
    });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]!.due <= entry.due) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++;
      if (heap[child]!.due >= last.due) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#heap.length = 0;
    this.#jobs = 0;
  }
}
