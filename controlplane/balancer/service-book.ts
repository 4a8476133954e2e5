/**
 * The services, as the world outside sees them: which are up, and which are ready to be announced.
 *
 * Judged whenever something they hang on has changed, and told only when the judgement is another.
 */
import type { BackendStatus } from './backend-status.ts';
import type { BalancerState } from './balancer-state.ts';
import type { Unsubscribe } from './health-source.ts';
import type { ServiceSpec } from './model.ts';
import { type JudgedBackend, judgeService } from './service-judge.ts';
import type { ServiceState, ServiceStates } from './service-state.ts';

export interface ServiceBookOptions {
  readonly state: BalancerState;
  readonly statusesOf: (pool: string) => readonly BackendStatus[];
  /** Was every backend of the pool checked? */
  readonly settled: (pool: string) => boolean;
  readonly hasRing: (service: ServiceSpec) => boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Some went up or down. */
  readonly onUp: () => void;
}

export class ServiceBook implements ServiceStates {
  readonly #options: ServiceBookOptions;
  readonly #states = new Map<string, ServiceState>();
  /** When each was first judged. */
  readonly #since = new Map<string, number>();
  readonly #listeners = new Set<(service: string) => void>();

  constructor(options: ServiceBookOptions) {
    this.#options = options;
  }

  list(): readonly ServiceState[] {
    return [...this.#states.values()];
  }

  isUp(service: string): boolean {
    return this.#states.get(service)?.up ?? false;
  }

  onChange(listener: (service: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** What would be said of a service if it and its backends were these; a way to them is taken for granted. */
  preview(service: ServiceSpec, statuses: readonly JudgedBackend[]): ServiceState {
    const was = this.isUp(service.name);
    return judgeService(service, { was, statuses, settled: true, hasRing: true, waitedMs: 0 });
  }

  /** All there are. */
  judge(services: readonly ServiceSpec[]): void {
    const wanted = new Set(services.map(({ name }) => name));
    const gone = [...this.#states.keys()].filter((name) => !wanted.has(name));
    for (const name of gone) {
      this.#states.delete(name);
      this.#since.delete(name);
    }
    this.#tell([...gone, ...this.#judgeSome(services)]);
  }

  /** Those that time alone may make ready. */
  judgeWaiting(services: readonly ServiceSpec[]): void {
    this.#tell(this.#judgeSome(services.filter(({ name }) => this.#states.get(name)?.ready === false)));
  }

  /** @returns names of those of which something else is true now. */
  #judgeSome(services: readonly ServiceSpec[]): string[] {
    const { state, statusesOf, settled, hasRing, now } = this.#options;
    return services.flatMap((service) => {
      const { name, pool } = service;
      const before = this.#states.get(name);
      const since = this.#since.get(name) ?? now();
      this.#since.set(name, since);
      const after = judgeService(service, {
        was: before?.up ?? state.up.has(name),
        statuses: statusesOf(pool),
        settled: settled(pool),
        hasRing: hasRing(service),
        waitedMs: now() - since,
      });
      if (before && JSON.stringify(before) === JSON.stringify(after)) return [];
      this.#states.set(name, after);
      return [name];
    });
  }

  #tell(changed: readonly string[]): void {
    if (changed.length === 0) return;
    const { state, onUp } = this.#options;
    const up = new Set(this.list().flatMap(({ name, up: is }) => (is ? [name] : [])));
    if (up.size !== state.up.size || [...up].some((name) => !state.up.has(name))) {
      state.up = up;
      state.save();
      onUp();
    }
    for (const name of changed) for (const listener of this.#listeners) listener(name);
  }
}
