/**
 * Runs the sweep of remembered connections while there is something to be swept, a slice at a time between other work,
 * and draws the conclusions: slots that are steady again, numbers that are free again.
 *
 * Only a slot that was pinned when the walk began, in a ring that has not moved since, is judged by what the walk met.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BalanceMemory } from './balance-memory.ts';
import type { BalancerState } from './balancer-state.ts';
import { type SweepResult, sweepFlows } from './flow-sweep.ts';
import { fragmentEntry, fragmentOwners } from './fragment-owners.ts';
import type { RingKeeper } from './ring-keeper.ts';

export interface FlowSweeperOptions {
  readonly memory: BalanceMemory;
  readonly state: BalancerState;
  readonly now: () => number;
  readonly idleMs: () => number;
  readonly lives: (backend: number) => boolean;
  readonly rings: () => readonly RingKeeper[];
  /** A walk, begun now, through the connections that are translated; undefined when there are none or it was ended. */
  readonly alsoMet: () => Promise<AlsoMet | undefined>;
  /** Is anything translated? */
  readonly translates: () => boolean;
}

/** Who is named by connections of another table. */
export interface AlsoMet {
  readonly byBackend: ReadonlyMap<number, number>;
  readonly services: ReadonlySet<number>;
}

/** At rest the table is looked through this often, for entries that are left over. */
const AT_REST_MS = 60_000;

export class FlowSweeper {
  readonly #options: FlowSweeperOptions;
  #running: Promise<void> | undefined;
  #closed = false;
  #last: SweepResult | undefined;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** Entries taken out since the daemon started. */
  removed = 0;

  constructor(options: FlowSweeperOptions) {
    this.#options = options;
  }

  /** Entries kept by the last walk. */
  get entries(): number {
    return this.#last?.entries ?? 0;
  }

  /** Connections remembered for a backend, as of the last walk. */
  rememberedFor(backend: number): number {
    return this.#last?.byBackend.get(backend) ?? 0;
  }

  /** One walk, unless nothing needs it; when one is under way, that one. */
  run(): Promise<void> {
    if (this.#running) return this.#running;
    if (this.#closed || !this.#isNeeded()) return Promise.resolve();
    this.#running = this.#walk().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #isNeeded(): boolean {
    const { state, rings, now } = this.#options;
    if (now() - this.#lastAt > AT_REST_MS || this.entries > 0) return true;
    if (state.services.retired + state.backends.retired + state.rings.retired > 0) return true;
    return rings().some(({ ring }) => {
      const { settling, pinned } = ring.phases();
      return settling + pinned > 0;
    });
  }

  async #walk(): Promise<void> {
    const { memory, state, now, idleMs, lives } = this.#options;
    const rings = new Map(this.#options.rings().map((keeper) => [keeper.number, keeper]));
    const candidates = [...rings.values()].map((keeper) => ({
      keeper,
      generation: keeper.generation,
      pinned: Array.from({ length: keeper.size }, (_, i) => i).filter((i) => keeper.ring.get(i).phase === 'pinned'),
    }));
    const retired = {
      services: state.services.retiredNumbers(),
      backends: state.backends.retiredNumbers(),
      rings: state.rings.retiredNumbers(),
    };
    const rules = {
      lives,
      idleMs: idleMs(),
      pinnedTo: (ring: number, slot: number): number | undefined => {
        const keeper = rings.get(ring);
        if (!keeper || slot >= keeper.size) return undefined;
        const at = keeper.ring.get(slot);
        return at.phase === 'pinned' ? at.current : undefined;
      },
    };
    const result = await this.#inSlices(() => sweepFlows(memory.maps.lbFlows, rules, now));
    if (!result) return;
    // The LRU keeps its own house; only whom it still names matters here, when numbers wait to be used again.
    const waiting = retired.services.size + retired.backends.size + retired.rings.size > 0;
    const tracked = waiting
      ? await this.#inSlices(() => sweepFlows(memory.maps.lbTracked, { ...rules, pinnedTo: () => undefined }, now))
      : undefined;
    if (waiting && !tracked) return;
    const translated = waiting ? await this.#options.alsoMet() : undefined;
    if (waiting && !translated && this.#options.translates()) return;
    const { lbFragments, natFragments } = memory.maps;
    const fragments = waiting
      ? await this.#inSlices(() => fragmentOwners(lbFragments, fragmentEntry.tunneled, now))
      : undefined;
    const others =
      waiting && natFragments
        ? await this.#inSlices(() => fragmentOwners(natFragments, fragmentEntry.translated, now))
        : undefined;
    if (waiting && (!fragments || (natFragments && !others))) return;
    this.#last = result;
    this.#lastAt = now();
    this.removed += result.removed;
    for (const { keeper, generation, pinned } of candidates) {
      if (keeper.generation !== generation || pinned.length === 0) continue;
      const entries = new Uint32Array(keeper.size).fill(1);
      for (const slot of pinned) entries[slot] = result.bySlot.get(keeper.number)?.get(slot) ?? 0;
      keeper.sweep(entries);
    }
    if (!waiting) return;
    const met = (...all: readonly (Iterable<number> | undefined)[]): Set<number> =>
      new Set(all.flatMap((each) => [...(each ?? [])]));
    const freed =
      state.services.release(
        retired.services,
        met(result.services, tracked?.services, translated?.services, fragments?.services, others?.services),
      ) +
      state.backends.release(
        retired.backends,
        met(
          ...[result, tracked, translated].map((each) => each?.byBackend.keys()),
          ...[fragments, others].map((each) => each?.backends),
        ),
      ) +
      state.rings.release(retired.rings, met(result.rings, tracked?.rings));
    if (freed > 0) state.save();
  }

  async #inSlices<Result>(start: () => Generator<void, Result>): Promise<Result | undefined> {
    const walk = start();
    for (;;) {
      const step = walk.next();
      if (step.done) return step.value;
      await nextTurn();
      if (this.#closed) {
        walk.return(undefined as never);
        return undefined;
      }
    }
  }

  close(): void {
    this.#closed = true;
  }
}
