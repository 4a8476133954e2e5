/**
 * What the balancer wants to know of health checks, and no more: whoever runs checks implements it.
 *
 * Health is a pool's affair: a backend that serves two services of one pool is up for both or for neither, because they
 * share one ring. The balancer asks again whenever it is told of a change; it never polls. `unknown` is for a backend
 * that has not been checked yet: one that packets already go to stays, a new one waits for its first answer, so that a
 * daemon that starts again neither brings a dead backend back nor empties a pool.
 */

export type HealthVerdict = 'up' | 'down' | 'unknown';

/** Ends a subscription. Calling it twice does nothing more. */
export type Unsubscribe = () => void;

export interface BackendHealth {
  /** Of a backend by the names the configuration gives; `up` where nothing is checked. Never throws, never waits. */
  verdict(pool: string, backend: string): HealthVerdict;
  /** Have all checks of the pool answered at least once since they began? True where nothing is checked. */
  settled(pool: string): boolean;
  /** Calls `listener` after any answer of `verdict` or `settled` about that pool has changed. Never before it returns. */
  onChange(listener: (pool: string) => void): Unsubscribe;
}

/** No checks: every backend counts as up. */
export const everythingUp: BackendHealth = {
  verdict: () => 'up',
  settled: () => true,
  onChange: () => () => undefined,
};

/** A place for the source of health: `everythingUp` until another takes it. Subscriptions outlive the change. */
export class HealthSwitch implements BackendHealth {
  readonly #listeners = new Set<(pool: string) => void>();
  #source: BackendHealth = everythingUp;
  #end: Unsubscribe = () => undefined;

  use(source: BackendHealth): void {
    this.#end();
    this.#source = source;
    this.#end = source.onChange((pool) => {
      for (const listener of this.#listeners) listener(pool);
    });
  }

  verdict(pool: string, backend: string): HealthVerdict {
    return this.#source.verdict(pool, backend);
  }

  settled(pool: string): boolean {
    return this.#source.settled(pool);
  }

  onChange(listener: (pool: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
