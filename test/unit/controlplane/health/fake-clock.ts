/** Time that moves when a test says so. */
import type { Clock, Timer } from '../../../../controlplane/health/index.ts';

export class FakeClock implements Clock {
  #now = 0;
  #timers: { due: number; work: () => void; order: number }[] = [];
  #order = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, work: () => void): Timer {
    const timer = { due: this.#now + Math.max(0, ms), work, order: this.#order++ };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Lets `ms` pass: every timer on the way runs at its time, and what it set off settles before the next. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      this.#timers.sort((a, b) => a.due - b.due || a.order - b.order);
      const first = this.#timers[0];
      if (!first || first.due > end) break;
      this.#timers.shift();
      this.#now = Math.max(this.#now, first.due);
      first.work();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets promises that are settled already have their say. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
