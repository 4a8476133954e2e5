/** One check of one backend: what came of it so far, and when it is due again. */
import type { Clock } from './clock.ts';
import { type CheckResult, fromError, type Outcome } from './outcome.ts';
import type { Destination, Run } from './probes/index.ts';
import type { CheckTiming, Probe } from './spec.ts';
import { type CheckState, initialState, isChanging, nextState } from './verdict.ts';

/** The last outcome, and how long it took to come, milliseconds. */
export interface LastOutcome extends Outcome {
  readonly durationMs: number;
  /** In the clock's milliseconds. */
  readonly at: number;
}

export interface CheckOptions {
  readonly clock: Clock;
  /** Asked before each check. @returns where it goes, or why that cannot be said */
  readonly destination: () => Destination | string;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
  /** After every outcome, with whether the verdict has changed. */
  readonly onOutcome: (check: Check, changed: boolean) => void;
}

export class Check {
  readonly address: string;
  readonly probe: Probe;
  readonly counts: Record<CheckResult, number> = { success: 0, failure: 0, timeout: 0, error: 0 };
  #timing: CheckTiming;
  #run: Run;
  #options: CheckOptions;
  #state: CheckState;
  #last: LastOutcome | undefined;
  #ended = false;

  constructor(address: string, probe: Probe, timing: CheckTiming, run: Run, options: CheckOptions) {
    this.address = address;
    this.probe = probe;
    this.#timing = timing;
    this.#run = run;
    this.#options = options;
    this.#state = initialState(options.clock.now());
  }

  get state(): CheckState {
    return this.#state;
  }

  get last(): LastOutcome | undefined {
    return this.#last;
  }

  get timing(): CheckTiming {
    return this.#timing;
  }

  /** Other intervals or thresholds hold from the next outcome on; the verdict stands. */
  retime(timing: CheckTiming): void {
    this.#timing = timing;
  }

  /** Takes over what another check of the same backend has found: the question changed, the backend did not. */
  inherit(former: Check): void {
    this.#state = { ...former.state, successes: 0, failures: 0 };
  }

  /** Checks once. @returns when it is due again. Never rejects. */
  readonly once = async (): Promise<number> => {
    const { clock, random, destination } = this.#options;
    const started = clock.now();
    const to = destination();
    const outcome: Outcome =
      typeof to === 'string'
        ? { result: 'error', detail: to }
        : await this.#run(to, this.#timing.timeoutMs).catch(fromError);
    const now = clock.now();
    if (!this.#ended) this.#take(outcome, started, now);
    const { intervalMs, fastIntervalMs, jitter } = this.#timing;
    const interval = isChanging(this.#state, this.#timing) ? fastIntervalMs : intervalMs;
    return Math.max(now, started + interval * (1 + jitter * (2 * random() - 1)));
  };

  #take(outcome: Outcome, started: number, now: number): void {
    this.counts[outcome.result]++;
    this.#last = { ...outcome, durationMs: now - started, at: now };
    const before = this.#state.verdict;
    this.#state = nextState(this.#state, outcome.result, this.#timing, now);
    this.#options.onOutcome(this, before !== this.#state.verdict);
  }

  /** What comes of a run under way is not taken any more. */
  end(): void {
    this.#ended = true;
  }
}
