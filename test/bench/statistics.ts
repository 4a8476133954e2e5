/**
 * Samples of a noisy machine. The minimum says what the work costs, the median what one gets; they are far apart when
 * others keep the machine busy.
 */
export interface Samples {
  readonly min: number;
  readonly median: number;
}

/** @throws Error without values. */
export function summarize(values: readonly number[]): Samples {
  const sorted = values.toSorted((a, b) => a - b);
  const min = sorted[0];
  const median = sorted[sorted.length >> 1];
  if (min === undefined || median === undefined) throw new Error('summarize samples: there are none');
  return { min, median };
}

/** Random numbers below 2^32 that are the same in every run (xorshift32). */
export function* pseudoRandom(seed: number): Generator<number, never> {
  let state = seed >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    yield state;
  }
}
