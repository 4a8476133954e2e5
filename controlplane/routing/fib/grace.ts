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

/**
 * A grace that is over at once while `unread` is set: for building tables that no packet believes yet. What is given
 * back then was never read, and waits all the same if it still waits when `unread` is taken away.
 */
export class BuildingGrace implements Grace {
  unread = false;
  readonly #grace: Grace;

  constructor(grace: Grace) {
    this.#grace = grace;
  }

  mark(): number {
    return this.unread ? Number.NEGATIVE_INFINITY : this.#grace.mark();
  }

  passed(mark: number): boolean {
    return this.unread || this.#grace.passed(mark);
  }
}
