/**
 * The page's line to the daemon: an event stream that starts with all there is and goes on with differences. When it
 * breaks, because the daemon was restarted or the network is away, it is opened again until it holds; what is shown
 * stays, and says how old it is.
 */
import type { EventRecord } from '../events/event-log.ts';
import { applyPatch, type Json } from '../live/merge-patch.ts';
import type { History, Snapshot } from '../live/snapshot.ts';

export interface Hello {
  readonly snapshot: Snapshot;
  readonly history: History;
  readonly events: readonly EventRecord[];
}

export interface Listener {
  hello(hello: Hello): void;
  changed(snapshot: Snapshot): void;
  happened(event: EventRecord): void;
  lost(): void;
}

const AGAIN_MS = 2000;
/** Something comes every second: after so long without, the line is dead although nobody said so. */
const SILENT_MS = 8000;

export class Connection {
  readonly #listener: Listener;
  #source: EventSource | undefined;
  #document: Json | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  open(): void {
    this.#source?.close();
    const source = new EventSource('/api/events');
    this.#source = source;
    const on = (name: string, take: (data: string) => void): void =>
      source.addEventListener(name, (event) => {
        this.#heard();
        take((event as MessageEvent<string>).data);
      });
    on('hello', (data) => {
      const hello = JSON.parse(data) as Hello;
      this.#document = hello.snapshot as unknown as Json;
      this.#listener.hello(hello);
    });
    on('delta', (data) => {
      this.#document = applyPatch(this.#document, JSON.parse(data) as Json);
      this.#listener.changed(this.#document as unknown as Snapshot);
    });
    on('happened', (data) => this.#listener.happened(JSON.parse(data) as EventRecord));
    source.addEventListener('error', () => {
      this.#listener.lost();
      // A browser tries again by itself unless the answer was a refusal, such as a login that ran out.
      if (source.readyState === EventSource.CLOSED) this.#again();
    });
    this.#heard();
  }

  #heard(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#listener.lost();
      this.open();
    }, SILENT_MS);
  }

  #again(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.open(), AGAIN_MS);
  }
}
