/**
 * Lets one part fail without the others, and without the daemon: forwarding and the lease matter more than any part's
 * second. What failed is told once, and is a problem of the box until the same work has succeeded again.
 */
import type { EventLog } from '../../monitoring/events/index.ts';

export class Guard {
  readonly #events: Pick<EventLog, 'emit'>;
  /** Why, by whose work it is. */
  readonly #failing = new Map<string, { readonly part: string; readonly work: string; readonly reason: string }>();

  constructor(events: Pick<EventLog, 'emit'>) {
    this.#events = events;
  }

  /** @param work what is done, for people: `tick`, `refresh` */
  run(part: string, work: string, action: () => void): void {
    const key = `${part} ${work}`;
    try {
      action();
      this.#failing.delete(key);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#failing.get(key)?.reason !== reason) {
        const stack = error instanceof Error ? (error.stack ?? reason) : reason;
        this.#events.emit('part_failed', { part, work, reason, stack });
      }
      this.#failing.set(key, { part, work, reason });
    }
  }

  problems(): string[] {
    return [...this.#failing.values()].map(
      ({ part, work, reason }) =>
        `${part} failed at its ${work}, which is tried again (${reason}): should it stay so, "systemctl restart headrace" loses no packet; report what the log says`,
    );
  }
}
