/**
 * Runs the walk through translated connections, a slice at a time between other work, and never more than a small part
 * of the time: a walk that took long is followed by a longer rest.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { natEvent } from '../../bpf/generated/headrace.ts';
import { natStates } from './settings.ts';
import { type NatCensus, type NatRules, sweepNat } from './sweep.ts';
import type { NatMaps } from './tables.ts';

/** Between the end of a walk and the next: at least this, and a hundred times as long as the walk took. */
const REST_MS = 5000;
const REST_SHARE = 100;

export interface NatSweeperOptions {
  /** Undefined while no service translates. */
  readonly maps: () => NatMaps | undefined;
  readonly rules: () => NatRules;
  readonly now: () => number;
}

export class NatSweeper {
  readonly #options: NatSweeperOptions;
  #running: Promise<NatCensus | undefined> | undefined;
  #next = Number.NEGATIVE_INFINITY;
  #closed = false;
  #census: NatCensus | undefined;
  /** Connections that had begun when the last walk did. */
  #begun = -1n;
  /** Since the daemon started. */
  sweeps = 0;
  removed = 0;

  constructor(options: NatSweeperOptions) {
    this.#options = options;
  }

  /** What the last walk has met; undefined before the first. */
  get census(): NatCensus | undefined {
    return this.#options.maps() ? this.#census : undefined;
  }

  connectionsOf(backend: number): number {
    return this.census?.byBackend.get(backend) ?? 0;
  }

  /** Connections by state, every state named. */
  get connections(): Readonly<Record<string, number>> {
    return Object.fromEntries(natStates.map((state) => [state, this.census?.connections.get(state) ?? 0]));
  }

  /** A walk, when it is time. */
  async run(): Promise<void> {
    const { maps, now } = this.#options;
    if (this.#closed || this.#running || now() < this.#next) return;
    const tables = maps();
    if (!tables) return;
    // Walks through empty tables take a while too: their places are looked at one by one.
    if (this.#isEmpty() && countBegun(tables) === this.#begun) return;
    await this.walk();
  }

  /** A walk begun now. @returns undefined when nothing is translated, or when it was ended before its end */
  async walk(): Promise<NatCensus | undefined> {
    await this.#running;
    this.#running ??= this.#walk().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #walk(): Promise<NatCensus | undefined> {
    const { maps, rules, now } = this.#options;
    const tables = maps();
    if (!tables) return undefined;
    const begun = now();
    this.#begun = countBegun(tables);
    const steps = sweepNat({ flows: tables.natFlows, opening: tables.natOpening }, rules(), now);
    for (;;) {
      const step = steps.next();
      if (step.done) {
        this.#census = step.value;
        this.sweeps++;
        this.removed += step.value.removed;
        this.#next = now() + Math.max(REST_MS, (now() - begun) * REST_SHARE);
        return step.value;
      }
      await nextTurn();
      // The maps are other objects when the program was loaded again meanwhile.
      if (this.#closed || maps()?.natFlows !== tables.natFlows) {
        steps.return(undefined as never);
        return undefined;
      }
    }
  }

  #isEmpty(): boolean {
    const { flows = 1, opening = 1 } = this.#census?.entries ?? {};
    return flows + opening === 0;
  }

  close(): void {
    this.#closed = true;
  }
}

/** Connections begun since the maps were made. */
function countBegun({ natEvents }: NatMaps): bigint {
  return (natEvents.getPerCpu(natEvent.BEGUN) ?? []).reduce((sum, count) => sum + count, 0n);
}
