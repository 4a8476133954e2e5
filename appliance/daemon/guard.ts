/**
 * Lets one part fail without the others, and without the daemon: forwarding and the lease matter more than any part's
 * second. What failed is told once, and is a problem of the box until the same work has succeeded again.
 */
import type { EventLog } from '../../monitoring/events/index.ts';

/** The fields of the event `part_failed`. */
export function failure(
  part: string,
  work: string,
  error: unknown,
): { readonly part: string; readonly work: string; readonly reason: string; readonly stack: string } {
  const reason = error instanceof Error ? error.message : String(error);
  return { part, work, reason, stack: error instanceof Error ? (error.stack ?? reason) : reason };
}

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
      const failed = failure(part, work, error);
      const { reason } = failed;
      if (this.#failing.get(key)?.reason !== reason) this.#events.emit('part_failed', failed);
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
