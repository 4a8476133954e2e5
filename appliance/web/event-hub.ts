/**
 * The event stream (Server-Sent Events): everybody who listens gets the same bytes, made once a second.
 *
 * A listener first gets all there is (`hello`: snapshot, history, last events), then differences (`delta`, a JSON Merge
 * Patch) and events as they happen (`happened`). The number of listeners is bounded, and one that does not read is let
 * go before what waits for it grows large: it will come back and start with `hello` again.
 */
import type { EventRecord } from '../../monitoring/events/index.ts';
import { type History, type Json, makePatch, type Snapshot } from '../../monitoring/live/index.ts';

export interface HubSources {
  readonly snapshot: () => Snapshot;
  readonly history: () => History;
  readonly events: () => readonly EventRecord[];
}

export interface HubOptions {
  /** Default 32. */
  readonly listeners?: number;
  /** Bytes that may wait for a listener. Default 1 MiB. */
  readonly backlog?: number;
}

export class EventHub {
  readonly #sources: HubSources;
  readonly #most: number;
  readonly #backlog: number;
  readonly #listeners = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #told: Json | undefined;

  constructor(sources: HubSources, options: HubOptions = {}) {
    this.#sources = sources;
    this.#most = options.listeners ?? 32;
    this.#backlog = options.backlog ?? 1 << 20;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get full(): boolean {
    return this.#listeners.size >= this.#most;
  }

  /** All there is, which is how every listener begins. */
  hello(): unknown {
    // Everybody must be at the same place for a difference to mean the same.
    this.#told ??= this.#document();
    return { snapshot: this.#told, history: this.#sources.history(), events: this.#sources.events() };
  }

  /** The bytes for one more listener, until it goes or is let go. */
  listen(): ReadableStream<Uint8Array> {
    const hello = this.hello();
    let listener: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          listener = controller;
          controller.enqueue(bytes(`retry: 1000\n${frame('hello', hello)}`));
          this.#listeners.add(controller);
        },
        cancel: () => void this.#listeners.delete(listener),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#backlog }),
    );
  }

  /** A new snapshot was taken. */
  advance(): void {
    if (this.#listeners.size === 0) {
      this.#told = undefined;
      return;
    }
    const next = this.#document();
    const patch = this.#told === undefined ? next : makePatch(this.#told, next);
    this.#told = next;
    if (patch !== undefined) this.#send(frame('delta', patch));
  }

  happened(record: EventRecord): void {
    if (this.#listeners.size > 0) this.#send(frame('happened', record));
  }

  close(): void {
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
  }

  #document(): Json {
    return this.#sources.snapshot() as unknown as Json;
  }

  #send(text: string): void {
    const data = bytes(text);
    for (const listener of this.#listeners) {
      if ((listener.desiredSize ?? 0) > data.length) listener.enqueue(data);
      else {
        this.#listeners.delete(listener);
        listener.error(new Error('the listener does not read'));
      }
    }
  }
}

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

const encoder = new TextEncoder();
function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}
