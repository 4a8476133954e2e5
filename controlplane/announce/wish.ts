/**
 * What is wished for a VIP, from the services on it and from what the operator said: pure.
 *
 * A service that is not ready says nothing yet, so a VIP keeps the route it has (a former daemon's, or none): a restart
 * neither withdraws what works nor announces what was never looked at. (Of one that was ready before, the announcer takes
 * "down" for an answer in any case.)
 */
import type { ServiceState } from '../balancer/service-state.ts';
import type { Wish } from './plan.ts';

export interface WishRules {
  /** Whether all services of a VIP must be up, or one is enough. */
  readonly require: 'all' | 'any';
  /** Nothing new is announced before this moment, in the clock's milliseconds. */
  readonly holdUntil: number;
}

/** A planned withdrawal: a worse metric until `until`, nothing from then on. */
export interface Drain {
  readonly until: number;
}

export interface Wished {
  readonly wish: Wish;
  /** For people: why it is not announced. Empty when it is. */
  readonly reason: string;
  /** When to look again although nothing happens, in the clock's milliseconds. */
  readonly again?: number;
}

/** @param services those on the VIP, at least one. */
export function wishFor(
  services: readonly Pick<ServiceState, 'name' | 'up' | 'ready' | 'reason'>[],
  drain: Drain | undefined,
  rules: WishRules,
  now: number,
): Wished {
  const byServices = wishOf(services, rules.require);
  if (byServices.wish !== 'announce') return byServices;
  if (drain)
    return now < drain.until
      ? { wish: 'depreference', reason: 'drained by the operator', again: drain.until }
      : { wish: 'withdraw', reason: 'drained by the operator' };
  if (now < rules.holdUntil)
    return { wish: 'keep', reason: 'the hold after the start is not over', again: rules.holdUntil };
  return byServices;
}

function wishOf(
  services: readonly Pick<ServiceState, 'name' | 'up' | 'ready' | 'reason'>[],
  require: 'all' | 'any',
): Wished {
  const down = services.filter(({ up, ready }) => ready && !up);
  const unready = services.filter(({ ready }) => !ready);
  const up = services.length - down.length - unready.length;
  const say = (some: readonly { name: string; reason: string }[]): string =>
    some.map(({ name, reason }) => (reason ? `${name}: ${reason}` : name)).join('; ');
  if (require === 'any' ? up > 0 : up === services.length) return { wish: 'announce', reason: '' };
  if (require === 'all' && down.length > 0) return { wish: 'withdraw', reason: say(down) };
  if (unready.length > 0) return { wish: 'keep', reason: say(unready) };
  return { wish: 'withdraw', reason: say(down) };
}
