/** How long checks took, in the buckets of a Prometheus histogram. */
export const durationBucketsSeconds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

export class DurationHistogram {
  /** Per bucket, not cumulative; the last is for all that is longer. */
  readonly counts: number[] = new Array(durationBucketsSeconds.length + 1).fill(0);
  sumSeconds = 0;

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000;
    this.sumSeconds += seconds;
    let bucket = 0;
    while (bucket < durationBucketsSeconds.length && seconds > durationBucketsSeconds[bucket]!) bucket++;
    this.counts[bucket]!++;
  }
}
