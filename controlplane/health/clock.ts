/**
 * Time as health knows it: monotonic milliseconds, so that a step of the wall clock neither times every check out at
 * once nor silences them. Injected, so that tests own it.
 */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Calls `work` once, `ms` from now or a little later. */
  after(ms: number, work: () => void): Timer;
}

export const monotonicClock: Clock = {
  now: () => performance.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, Math.max(0, ms));
    return { cancel: () => clearTimeout(timer) };
  },
};
