/**
 * When may memory that packets might still be reading be used again?
 *
 * Readers take no lock and leave no trace; what is known is that a packet's program runs to its end in microseconds
 * with softirqs off. So whatever was unlinked a fixed long time ago is nobody's any more.
 */
export interface Grace {
  /** A mark of this moment. */
  mark(): number;
  /** Have all packets that were under way at `mark` left by now? */
  passed(mark: number): boolean;
}

/** Waits `milliseconds` of the monotonic clock: far longer than a packet takes, even on a preempted virtual CPU. */
export function timedGrace(milliseconds = 250, now: () => number = () => performance.now()): Grace {
  return { mark: now, passed: (mark) => now() - mark >= milliseconds };
}
