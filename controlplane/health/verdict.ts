/**
 * From single outcomes to a verdict about one check of one backend: pure, so that its laws can be tested.
 *
 * The first success brings a backend up: a daemon that starts must not keep a good pool out for `rise` rounds. Before
 * the first verdict `fall` failures are needed, as always. From then on it takes `rise` successes, or `fall` failures,
 * in a row to change it, and after a fall the hold-down must be over. Errors of our own count for neither side.
 */
import type { CheckResult } from './outcome.ts';
import type { CheckTiming } from './spec.ts';

export type Verdict = 'unknown' | 'up' | 'down';

export interface CheckState {
  readonly verdict: Verdict;
  /** Successes in a row. */
  readonly successes: number;
  /** Failures in a row. */
  readonly failures: number;
  /** When the verdict was reached, in the clock's milliseconds. */
  readonly since: number;
}

export type Rules = Pick<CheckTiming, 'rise' | 'fall' | 'holdDownMs'>;

export const initialState = (now: number): CheckState => ({
  verdict: 'unknown',
  successes: 0,
  failures: 0,
  since: now,
});

export function nextState(state: CheckState, result: CheckResult, rules: Rules, now: number): CheckState {
  if (result === 'error') return state;
  if (result === 'success') {
    const successes = state.successes + 1;
    const rises =
      state.verdict === 'unknown' ||
      (state.verdict === 'down' && successes >= rules.rise && now - state.since >= rules.holdDownMs);
    return rises ? { verdict: 'up', successes, failures: 0, since: now } : { ...state, successes, failures: 0 };
  }
  const failures = state.failures + 1;
  const falls = state.verdict !== 'down' && failures >= rules.fall;
  return falls ? { verdict: 'down', successes: 0, failures, since: now } : { ...state, successes: 0, failures };
}

/** Whether the next outcomes matter more than usual: nothing decided yet, or a streak against the verdict. */
export function isChanging(state: CheckState, rules: Rules): boolean {
  switch (state.verdict) {
    case 'unknown':
      return true;
    case 'up':
      return state.failures > 0;
    case 'down':
      // One that only waits for its hold-down to end is in no hurry.
      return state.successes > 0 && state.successes < rules.rise;
  }
}

/** A backend is up when all its checks are, and down when one is. */
export function combine(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('down')) return 'down';
  return verdicts.includes('unknown') ? 'unknown' : 'up';
}

/**
 * Whether so few backends pass that the checks are believed less than the backends: fewer than the share `below` of
 * those decided. Only once every one has been decided, and never when panic mode is off (0).
 */
export function isPanic(verdicts: readonly Verdict[], below: number): boolean {
  if (below <= 0 || verdicts.length === 0 || verdicts.includes('unknown')) return false;
  return verdicts.filter((verdict) => verdict === 'up').length < below * verdicts.length;
}
