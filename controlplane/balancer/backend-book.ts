/**
 * The backends of all pools: what each is, judged by the file, an operator's word and its checks, and what packets are
 * told of it.
 *
 * Judging and telling are apart, because packets must find those who came before they are sent there, and be sent
 * elsewhere before others are gone.
 */
import { type BackendStatus, unreachable, type WayNeeds } from './backend-status.ts';
import type { BackendTable } from './backend-table.ts';
import { type BackendState, type BackendView, judge } from './backend-view.ts';
import type { BalancerState } from './balancer-state.ts';
import type { BackendHealth, Unsubscribe } from './health-source.ts';
import { type BackendSpec, type BalancerSettings, type BalancerSpec, backendIdentity, type PoolSpec } from './model.ts';
import type { NextHops } from './next-hops.ts';
import type { Overrides } from './overrides.ts';
import type { Ownership } from './ring-set.ts';

export interface BackendBookOptions {
  readonly table: BackendTable;
  readonly state: BalancerState;
  readonly health: BackendHealth;
  readonly hops: NextHops;
  readonly overrides: Overrides;
  readonly now: () => number;
}

const lineOf = (pool: string, backend: string): string => `${pool}/${backend}`;

export class BackendBook {
  readonly #options: BackendBookOptions;
  /** By pool, then by backend: who asks for a pool must not go through all there are. */
  readonly #statuses = new Map<string, Map<string, BackendStatus>>();
  /** By `pool/backend`, on the monotonic clock: since when the file says that it drains. */
  readonly #drainsSince = new Map<string, number>();
  readonly #listeners = new Set<(status: BackendStatus, before: BackendState) => void>();

  constructor(options: BackendBookOptions) {
    this.#options = options;
  }

  list(): readonly BackendStatus[] {
    return [...this.#statuses.values()].flatMap((backends) => [...backends.values()]);
  }

  get(pool: string, backend: string): BackendStatus | undefined {
    return this.#statuses.get(pool)?.get(backend);
  }

  of(pool: string): readonly BackendStatus[] {
    return [...(this.#statuses.get(pool)?.values() ?? [])];
  }

  /** Called with a backend whose state has changed. */
  onChange(listener: (status: BackendStatus, before: BackendState) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Judges a backend anew. Packets hear of it by `tell`. */
  judge(pool: string, spec: BackendSpec, needs: WayNeeds): void {
    const { state, hops } = this.#options;
    const line = lineOf(pool, spec.name);
    const number = state.backends.numberOf(backendIdentity(pool, spec))!;
    const before = this.get(pool, spec.name);
    this.#followDrain(line, spec.state === 'draining');
    const view = this.#viewOf(pool, spec);
    const changed = before !== undefined && before.view.state !== view.state;
    const changes = new Map(before?.changes);
    if (changed) changes.set(view.state, (changes.get(view.state) ?? 0) + 1);
    const status = {
      pool,
      spec,
      number,
      view,
      unreachable: unreachable(hops.get(spec.address), needs),
      changedAt: changed ? Date.now() : (before?.changedAt ?? 0),
      changes,
    };
    const backends = this.#statuses.get(pool);
    if (backends) backends.set(spec.name, status);
    else this.#statuses.set(pool, new Map([[spec.name, status]]));
    if (changed) for (const listener of this.#listeners) listener(status, before.view.state);
  }

  /** Tells packets what a backend is and how it is reached. */
  tell({ number, spec, view }: BackendStatus, settings: BalancerSettings, { ownSegment }: WayNeeds): void {
    const { table, hops } = this.#options;
    table.write(number, { spec, settings, hop: hops.get(spec.address), alive: view.lives, ownSegment });
  }

  /**
   * Forgets backends that are named no more. To keep connections, drain them first.
   * @returns their numbers, which give up what they have when the caller says so
   */
  drop(before: BalancerSpec, wanted: BalancerSpec): number[] {
    const { backends } = this.#options.state;
    const dropped: number[] = [];
    const stay = new Set(wanted.pools.flatMap((pool) => pool.backends.map((b) => backendIdentity(pool.name, b))));
    for (const [identity] of [...backends.entries()]) if (!stay.has(identity)) dropped.push(backends.retire(identity)!);
    const named = new Set(wanted.pools.flatMap((pool) => pool.backends.map(({ name }) => lineOf(pool.name, name))));
    for (const pool of before.pools)
      for (const backend of pool.backends) {
        const line = lineOf(pool.name, backend.name);
        if (named.has(line)) continue;
        const backends = this.#statuses.get(pool.name);
        backends?.delete(backend.name);
        if (backends?.size === 0) this.#statuses.delete(pool.name);
        this.#followDrain(line, false);
      }
    return dropped;
  }

  /** Since when the file says that it drains. The wall clock is asked once: it may be set while the daemon runs. */
  #followDrain(line: string, drains: boolean): void {
    const { state, now } = this.#options;
    if (!drains) {
      state.draining.delete(line);
      this.#drainsSince.delete(line);
      return;
    }
    const wall = Date.now();
    const since = state.draining.get(line) ?? wall;
    state.draining.set(line, since);
    if (!this.#drainsSince.has(line)) this.#drainsSince.set(line, now() - Math.max(0, wall - since));
  }

  /** What a backend is or would be, by what is known now. */
  #viewOf(pool: string, spec: BackendSpec): BackendView {
    const { table, state, overrides, health, now } = this.#options;
    const number = state.backends.numberOf(backendIdentity(pool, spec));
    return judge(spec, {
      override: overrides.get(pool, spec.name),
      verdict: health.verdict(pool, spec.name),
      lived: number !== undefined && table.isAlive(number),
      drainingForMs: now() - (this.#drainsSince.get(lineOf(pool, spec.name)) ?? now()),
    });
  }

  /** Who owns what in a pool's ring, and who lives, as of now. */
  ownershipOf(pool: string): Ownership {
    return ownershipBy(this.of(pool));
  }

  /** The same if the pool were this. */
  ownershipUnder(pool: PoolSpec): Ownership {
    return ownershipBy(this.under(pool));
  }

  /** What its backends would be if the pool were this, by what is known now. */
  under(pool: PoolSpec): readonly Pick<BackendStatus, 'spec' | 'view' | 'number' | 'unreachable'>[] {
    const { backends } = this.#options.state;
    return pool.backends.map((spec, i) => ({
      spec,
      view: this.#viewOf(pool.name, spec),
      unreachable: '',
      // Whoever has no number yet gets one that nobody has.
      number: backends.numberOf(backendIdentity(pool.name, spec)) ?? 0x1_0000 + i,
    }));
  }
}

function ownershipBy(statuses: readonly Pick<BackendStatus, 'spec' | 'view' | 'number'>[]): Ownership {
  const inside = statuses.filter(({ view }) => view.ringWeight > 0);
  return {
    members: inside.map(({ spec, view }) => ({ name: spec.name, weight: view.ringWeight })),
    numbers: inside.map(({ number }) => number),
    living: new Set(statuses.filter(({ view }) => view.lives).map(({ number }) => number)),
  };
}
