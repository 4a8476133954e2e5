/**
 * Numbers (of groups, of next hops) that are handed out, given back, and not handed out again before the packets that
 * might still be reading what they stand for are gone.
 *
 * Memory: 12 bytes a number that was ever given back, at most 12 × the capacity.
 */
import type { Grace } from './grace.ts';

export class NumberPool {
  readonly capacity: number;
  readonly #grace: Grace;
  readonly #first: number;
  readonly #limit: number;
  /** Given back and free again: a stack. */
  readonly #free: number[] = [];
  /** Given back, waiting: a queue in order of time, from #head on. */
  #waiting: number[] = [];
  #marks: number[] = [];
  #head = 0;
  #next: number;

  /** Hands out numbers from `first` to `limit` - 1. */
  constructor(first: number, limit: number, grace: Grace) {
    this.capacity = limit - first;
    this.#first = first;
    this.#next = first;
    this.#limit = limit;
    this.#grace = grace;
  }

  /** How many could be taken now. */
  get available(): number {
    this.#ripen();
    return this.#limit - this.#next + this.#free.length;
  }

  /** Given back but not yet to be handed out. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
  }

  get used(): number {
    return this.capacity - (this.#limit - this.#next) - this.#free.length - this.waiting;
  }

  /** @returns a number nobody reads, or -1 when there is none now. */
  take(): number {
    if (this.#free.length === 0) this.#ripen();
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.#next < this.#limit ? this.#next++ : -1;
  }

  /** The number is no longer reachable for packets that start from now on. */
  give(number: number): void {
    const mark = this.#grace.mark();
    if (this.waiting === 0 && this.#grace.passed(mark)) {
      this.#free.push(number);
      return;
    }
    this.#waiting.push(number);
    this.#marks.push(mark);
  }

  /** All numbers are free: nobody reads anything. */
  reset(): void {
    this.#free.length = 0;
    this.#waiting = [];
    this.#marks = [];
    this.#head = 0;
    this.#next = this.#first;
  }

  #ripen(): void {
    while (this.#head < this.#waiting.length && this.#grace.passed(this.#marks[this.#head]!))
      this.#free.push(this.#waiting[this.#head++]!);
    if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#marks = this.#marks.slice(this.#head);
      this.#head = 0;
    }
  }
}
