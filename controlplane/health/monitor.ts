/**
 * Health of all backends: runs their checks and tells the balancer what came of them (BackendHealth).
 *
 * A reload keeps what is known: a backend whose checks are the same goes on as it was, one whose checks have changed
 * keeps its verdict and earns the next one, only a new backend or a new address is unknown. When so few backends of a
 * pool pass that its panic threshold is undercut, every backend of the pool counts as up, and says so: one wrong check
 * must not empty a pool.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BackendHealth, HealthVerdict, Unsubscribe } from '../balancer/health-source.ts';
import { Check, type LastOutcome } from './check.ts';
import { type Clock, monotonicClock } from './clock.ts';
import { DurationHistogram } from './duration-histogram.ts';
import type { CheckResult } from './outcome.ts';
import { type Destination, Probes, type Run } from './probes/index.ts';
import { Scheduler, type SchedulerOptions, type SchedulerStatistics } from './scheduler.ts';
import type { CheckTarget, Probe, ProbeKind, Via } from './spec.ts';
import { combine, isPanic, type Verdict } from './verdict.ts';

/** The backends of one pool that are checked. */
export interface PoolChecks {
  readonly pool: string;
  /** Fewer passing backends than this share of all, and all count as up; 0 for never. */
  readonly panicBelow: number;
  readonly targets: readonly CheckTarget[];
}

/** One check as it stands, for people and metrics. */
export interface CheckReport {
  readonly pool: string;
  readonly backend: string;
  readonly address: string;
  readonly kind: ProbeKind;
  /** The VIP it is made to, through the forwarding path; null: directly, to the address. */
  readonly via: string | null;
  readonly verdict: Verdict;
  /** Since when, milliseconds ago. */
  readonly sinceMs: number;
  readonly successes: number;
  readonly failures: number;
  readonly last: (Omit<LastOutcome, 'at'> & { readonly agoMs: number }) | null;
  readonly counts: Readonly<Record<CheckResult, number>>;
  /** The pool is in panic mode: the balancer is told "up" whatever the verdict is. */
  readonly panic: boolean;
}

/** One check of a backend, and the VIP it is made to; null: directly, to the backend's own address. */
export interface CheckWay {
  readonly kind: ProbeKind;
  readonly via: string | null;
}

/** A backend's verdict, or a pool's panic, has changed. */
export type HealthEvent =
  | {
      readonly kind: 'verdict';
      readonly pool: string;
      readonly backend: string;
      readonly verdict: Verdict;
      readonly before: Verdict;
      /** Of the check that changed it, for people. */
      readonly reason: string;
    }
  | { readonly kind: 'panic'; readonly pool: string; readonly panic: boolean };

export interface MonitorOptions {
  /** Default: monotonic time. */
  readonly clock?: Clock;
  readonly scheduler?: SchedulerOptions;
  /** Default: Math.random. */
  readonly random?: () => number;
  /** Makes a check; by default one that asks the network. */
  readonly make?: (probe: Probe) => Run;
  /** Where a check through the forwarding path goes; by default there is none. @returns or why that cannot be said */
  readonly wayTo?: (pool: string, backend: string, via: Via) => Destination | string;
  /** Default: nothing. */
  readonly onEvent?: (event: HealthEvent) => void;
}

interface Backend {
  readonly target: CheckTarget;
  readonly checks: Map<ProbeKind, { readonly check: Check; readonly cancel: () => void }>;
  verdict: Verdict;
}

interface Pool {
  panicBelow: number;
  panic: boolean;
  settled: boolean;
  backends: Map<string, Backend>;
}

export class HealthMonitor implements BackendHealth {
  readonly histograms = new Map<ProbeKind, DurationHistogram>();
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #probes = new Probes();
  readonly #make: (probe: Probe) => Run;
  readonly #wayTo: NonNullable<MonitorOptions['wayTo']>;
  readonly #scheduler: Scheduler;
  readonly #onEvent: (event: HealthEvent) => void;
  readonly #listeners = new Set<(pool: string) => void>();
  #pools = new Map<string, Pool>();

  constructor(options: MonitorOptions = {}) {
    this.#clock = options.clock ?? monotonicClock;
    this.#random = options.random ?? Math.random;
    this.#make = options.make ?? ((probe) => this.#probes.make(probe));
    this.#wayTo = options.wayTo ?? (() => 'there is no forwarding path to check through');
    this.#scheduler = new Scheduler(this.#clock, options.scheduler);
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  verdict(pool: string, backend: string): HealthVerdict {
    const known = this.#pools.get(pool);
    const found = known?.backends.get(backend);
    if (!known || !found) return 'up';
    return known.panic ? 'up' : found.verdict;
  }

  settled(pool: string): boolean {
    return this.#pools.get(pool)?.settled ?? true;
  }

  onChange(listener: (pool: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get schedule(): SchedulerStatistics {
    return this.#scheduler.statistics;
  }

  /**
   * Checks these pools from now on, and no others. All or nothing. Listeners hear of every pool whose answers may have
   * changed, in a turn of their own.
   * @throws Error for a certificate authority or a pattern that cannot be used; everything is as before then.
   */
  configure(pools: readonly PoolChecks[]): void {
    const runs = new Map<Probe, Run>();
    for (const { targets } of pools)
      for (const { check } of targets)
        for (const probe of check.probes) if (!runs.has(probe)) runs.set(probe, this.#make(probe));
    const before = this.#pools;
    this.#pools = new Map(pools.map((checks) => [checks.pool, this.#pool(checks, before.get(checks.pool), runs)]));
    for (const [name, pool] of before)
      if (!this.#pools.has(name)) for (const backend of pool.backends.values()) end(backend);
    const names = new Set([...before.keys(), ...this.#pools.keys()]);
    for (const [name, pool] of this.#pools) this.#judge(name, pool);
    setImmediate(() => {
      for (const name of names) this.#tell(name);
    });
  }

  #pool({ panicBelow, targets }: PoolChecks, former: Pool | undefined, runs: ReadonlyMap<Probe, Run>): Pool {
    const backends = new Map<string, Backend>();
    for (const target of targets)
      backends.set(target.backend, this.#backend(target, former?.backends.get(target.backend), runs));
    for (const [backend, known] of former?.backends ?? []) if (!backends.has(backend)) end(known);
    return { panicBelow, panic: former?.panic ?? false, settled: false, backends };
  }

  #backend(target: CheckTarget, former: Backend | undefined, runs: ReadonlyMap<Probe, Run>): Backend {
    const { check: spec, address } = target;
    const backend: Backend = { target, checks: new Map(), verdict: 'unknown' };
    const same = former !== undefined && former.target.address === target.address;
    for (const probe of spec.probes) {
      const known = same ? former.checks.get(probe.kind) : undefined;
      if (known && isDeepStrictEqual(known.check.probe, probe)) {
        known.check.retime(spec);
        backend.checks.set(probe.kind, known);
        former!.checks.delete(probe.kind);
        continue;
      }
      const check = new Check(address, probe, spec, runs.get(probe)!, {
        clock: this.#clock,
        random: this.#random,
        destination: () => (probe.via ? this.#wayTo(target.pool, target.backend, probe.via) : { address }),
        onOutcome: (done, changed) => this.#take(target.pool, target.backend, done, changed),
      });
      if (known) check.inherit(known.check);
      backend.checks.set(probe.kind, { check, cancel: this.#scheduler.add(this.#clock.now(), check.once) });
    }
    if (former) end(former);
    backend.verdict = verdictOf(backend);
    return backend;
  }

  #take(poolName: string, name: string, check: Check, changed: boolean): void {
    const kind = check.probe.kind;
    const histogram = this.histograms.get(kind) ?? new DurationHistogram();
    this.histograms.set(kind, histogram);
    histogram.observe(check.last!.durationMs);
    if (!changed) return;
    const pool = this.#pools.get(poolName);
    const backend = pool?.backends.get(name);
    if (!pool || !backend) return;
    const before = backend.verdict;
    backend.verdict = verdictOf(backend);
    if (backend.verdict === before) return;
    const reason = `${kind}: ${check.last!.detail}`;
    this.#onEvent({ kind: 'verdict', pool: poolName, backend: name, verdict: backend.verdict, before, reason });
    this.#judge(poolName, pool);
    this.#tell(poolName);
  }

  #judge(name: string, pool: Pool): void {
    const verdicts = [...pool.backends.values()].map((backend) => backend.verdict);
    pool.settled = !verdicts.includes('unknown');
    const panic = pool.settled ? isPanic(verdicts, pool.panicBelow) : pool.panic && pool.panicBelow > 0;
    if (panic === pool.panic) return;
    pool.panic = panic;
    this.#onEvent({ kind: 'panic', pool: name, panic });
  }

  #tell(pool: string): void {
    for (const listener of this.#listeners) listener(pool);
  }

  /** By what a backend is checked; null: directly. */
  waysTo(pool: string, backend: string): CheckWay[] {
    const checks = this.#pools.get(pool)?.backends.get(backend)?.checks ?? new Map();
    return [...checks.values()].map(({ check }) => ({ kind: check.probe.kind, via: check.probe.via?.vip ?? null }));
  }

  /** Every check there is. */
  report(): CheckReport[] {
    const now = this.#clock.now();
    return [...this.#pools].flatMap(([pool, { backends, panic }]) =>
      [...backends].flatMap(([backend, { checks }]) =>
        [...checks.values()].map(({ check }) => {
          const { verdict, since, successes, failures } = check.state;
          const last = check.last && {
            result: check.last.result,
            detail: check.last.detail,
            durationMs: check.last.durationMs,
            agoMs: now - check.last.at,
          };
          return {
            pool,
            backend,
            address: check.address,
            kind: check.probe.kind,
            via: check.probe.via?.vip ?? null,
            verdict,
            sinceMs: now - since,
            successes,
            failures,
            last: last ?? null,
            counts: { ...check.counts },
            panic,
          };
        }),
      ),
    );
  }

  close(): void {
    this.#scheduler.close();
    for (const pool of this.#pools.values()) for (const backend of pool.backends.values()) end(backend);
    this.#pools.clear();
    this.#probes.close();
    this.#listeners.clear();
  }
}

function verdictOf(backend: Backend): Verdict {
  return combine([...backend.checks.values()].map(({ check }) => check.state.verdict));
}

function end(backend: Backend): void {
  for (const { check, cancel } of backend.checks.values()) {
    cancel();
    check.end();
  }
}
