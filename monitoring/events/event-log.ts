/**
 * Where events go: to the log, and to whoever follows them live; the last few hundred are kept for who comes later.
 *
 * What repeats itself must not fill a disk or hide the rest: of each name only so many are passed on in ten seconds,
 * the others are counted, and the count is told when the ten seconds are over.
 */
import { type EventDefinition, type EventLevel, type EventValue, sentenceOf } from './definition.ts';
import { type EventFields, type EventName, vocabulary } from './vocabulary.ts';

/** An event that happened. */
export interface EventRecord {
  /** Counts up from 1 in a daemon's life. */
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly name: EventName;
  readonly level: EventLevel;
  readonly text: string;
  readonly fields: Readonly<Record<string, EventValue>>;
}

export interface EventLogOptions {
  /** How many are kept. Default 200. */
  readonly kept?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

export const WINDOW_MS = 10_000;
const BURST = 20;

interface Window {
  readonly startedAt: number;
  passed: number;
  suppressed: number;
}

export class EventLog {
  readonly #kept: number;
  readonly #now: () => number;
  readonly #records: EventRecord[] = [];
  readonly #followers = new Set<(record: EventRecord) => void>();
  readonly #windows = new Map<EventName, Window>();
  #lastId = 0;

  constructor(options: EventLogOptions = {}) {
    this.#kept = options.kept ?? 200;
    this.#now = options.now ?? Date.now;
  }

  /** Something happened. */
  emit<N extends EventName>(name: N, fields: EventFields<N>): void {
    this.settle();
    const at = this.#now();
    let window = this.#windows.get(name);
    if (!window) {
      window = { startedAt: at, passed: 0, suppressed: 0 };
      this.#windows.set(name, window);
    }
    const { burst = BURST }: EventDefinition = vocabulary[name];
    if (window.passed >= burst) {
      window.suppressed++;
      return;
    }
    window.passed++;
    this.#pass(name, fields, vocabulary[name].level);
  }

  /** Tells what was suppressed in windows that are over: called now and then, since nothing else may happen. */
  settle(): void {
    const now = this.#now();
    for (const [name, { startedAt, suppressed }] of this.#windows) {
      if (now - startedAt < WINDOW_MS && now >= startedAt) continue;
      this.#windows.delete(name);
      this.#tellSuppressed(name, suppressed);
    }
  }

  /** Tells what was suppressed in windows that are not over: nothing comes afterwards. */
  close(): void {
    for (const [name, { suppressed }] of this.#windows) this.#tellSuppressed(name, suppressed);
    this.#windows.clear();
  }

  /** As bad as what it speaks of, and never suppressed itself. */
  #tellSuppressed(name: EventName, count: number): void {
    if (count > 0) this.#pass('events_suppressed', { name, count }, vocabulary[name].level);
  }

  /** The last events, oldest first. */
  recent(): readonly EventRecord[] {
    return [...this.#records];
  }

  /** @returns a function that ends following. */
  follow(follower: (record: EventRecord) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  #pass(name: EventName, fields: EventRecord['fields'], level: EventLevel): void {
    const text = sentenceOf(vocabulary[name], fields);
    const record: EventRecord = { id: ++this.#lastId, at: this.#now(), name, level, text, fields };
    this.#records.push(record);
    if (this.#records.length > this.#kept) this.#records.shift();
    for (const follower of this.#followers) follower(record);
  }
}
