/**
 * Is a service up? The announcer asks, operators are told.
 *
 * A service goes up when at least the high watermark of its backends can take new connections, and down when fewer than
 * the low one can; between the two it stays as it is, so that one backend at the edge does not make a VIP flap. Counted
 * by weight: a large backend that is gone is missed more than a small one. `ready` is another question: has all that
 * must be there before a VIP may be announced (maps loaded, next hops resolved, first checks done) come about?
 */
import type { Unsubscribe } from './health-source.ts';

/** Shares of the pool's weight, from 0 to 1; `down` is not above `up`. */
export interface Quorum {
  readonly up: number;
  readonly down: number;
}

export interface ServiceState {
  readonly name: string;
  /** Each VIP as a prefix: 198.51.100.10/32, 2001:db8::/64. */
  readonly vips: readonly string[];
  readonly up: boolean;
  /** The packet path has the service, every usable backend has a next hop, and each was checked once. */
  readonly ready: boolean;
  /** Weight of the backends that can take new connections, as a share of the weight of all, from 0 to 1. */
  readonly ratio: number;
  readonly usable: number;
  readonly backends: number;
  /** Why it is down or not ready, for people. Empty when it is up and ready. */
  readonly reason: string;
}

/** All services' states, and word of every change. */
export interface ServiceStates {
  list(): readonly ServiceState[];
  /** Calls `listener` after the service named has changed, come, or gone (then `list` has it no more). */
  onChange(listener: (service: string) => void): Unsubscribe;
}

/** Is the service up, given that it was `was`? A share of nothing is down whatever the watermarks say. */
export function upByQuorum(was: boolean, ratio: number, quorum: Quorum): boolean {
  if (ratio <= 0) return false;
  return was ? ratio >= quorum.down : ratio >= quorum.up;
}

/** A place for the services' states: none until somebody takes it. Subscriptions outlive the change. */
export class ServiceStatesSwitch implements ServiceStates {
  readonly #listeners = new Set<(service: string) => void>();
  #source: ServiceStates | undefined;
  #end: Unsubscribe = () => undefined;

  /** `undefined`: there are no services any more; who listens hears that those there were are gone. */
  use(source: ServiceStates | undefined): void {
    this.#end();
    const before = this.list().map(({ name }) => name);
    this.#source = source;
    const tell = (service: string): void => {
      for (const listener of this.#listeners) listener(service);
    };
    this.#end = source?.onChange(tell) ?? (() => undefined);
    for (const name of new Set([...before, ...this.list().map((state) => state.name)])) tell(name);
  }

  list(): readonly ServiceState[] {
    return this.#source?.list() ?? [];
  }

  onChange(listener: (service: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
