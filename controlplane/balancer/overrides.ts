/**
 * What operators said of backends on the command line. It wins over the file, and outlives the daemon, reloads and the
 * machine. Deadlines are kept as wall-clock time, because they must; while the daemon runs, the monotonic clock counts.
 */
import type { Override } from './backend-view.ts';
import { readJson, writeJson } from './json-file.ts';
import type { AdminState } from './model.ts';

export interface StoredOverride {
  readonly pool: string;
  readonly backend: string;
  readonly state: AdminState;
  /** Wall clock, milliseconds since 1970. */
  readonly since: number;
  readonly until: number | null;
}

interface Held {
  readonly stored: StoredOverride;
  /** Monotonic. */
  readonly endsAt: number | undefined;
}

export class Overrides {
  readonly #file: string;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();

  /** @param now monotonic milliseconds. @throws Error when the file is there and cannot be understood. */
  constructor(file: string, now: () => number = () => performance.now()) {
    this.#file = file;
    this.#now = now;
    const content = readJson(file) as { readonly overrides?: readonly StoredOverride[] } | undefined;
    for (const stored of content?.overrides ?? []) this.#hold(stored);
  }

  list(): readonly StoredOverride[] {
    return [...this.#held.values()].map(({ stored }) => stored);
  }

  get(pool: string, backend: string): Override | undefined {
    const held = this.#held.get(`${pool}/${backend}`);
    if (!held) return undefined;
    const leftMs = held.endsAt === undefined ? undefined : held.endsAt - this.#now();
    return { state: held.stored.state, leftMs };
  }

  /** On the disk when it returns. */
  set(pool: string, backend: string, state: AdminState, forMs?: number): void {
    const since = Date.now();
    this.#hold({ pool, backend, state, since, until: forMs === undefined ? null : since + forMs });
    this.#save();
  }

  /** @returns whether there was one. */
  clear(pool: string, backend: string): boolean {
    const was = this.#held.delete(`${pool}/${backend}`);
    if (was) this.#save();
    return was;
  }

  #hold(stored: StoredOverride): void {
    const endsAt = stored.until === null ? undefined : this.#now() + stored.until - Date.now();
    this.#held.set(`${stored.pool}/${stored.backend}`, { stored, endsAt });
  }

  #save(): void {
    writeJson(this.#file, { overrides: this.list() });
  }
}
