/**
 * Which of the routes that share prefix, table, TOS and priority a message is about: the one it takes the place of, the
 * one a multipath route has grown from, the one that loses legs. Routes are numbers, told apart by their hops.
 */
import { type Hop, legKey } from './hop-registry.ts';

type HopOf = (route: number) => Hop;

/** The route that a new one replaces: in IPv6 the first of its kind, with or without gateway. @returns 0 for none */
export function replaced(equals: readonly number[], hop: Hop, hopOf: HopOf, words: 1 | 4): number {
  const gatewayed = (of: Hop): boolean => of.legs.some((leg) => leg.gateway !== undefined);
  const alike = equals.find((route) => gatewayed(hopOf(route)) === gatewayed(hop));
  return (words === 4 ? alike : undefined) ?? equals[0] ?? 0;
}

/** The route that an IPv6 multipath route has grown from: all of its legs are among the new one's. @returns 0 for none */
export function grownFrom(equals: readonly number[], hop: Hop, hopOf: HopOf): number {
  const legs = new Set(hop.legs.map(legKey));
  return (
    equals.find((route) => {
      const known = hopOf(route);
      return known.nexthop === undefined && known.legs.length > 0 && known.legs.every((leg) => legs.has(legKey(leg)));
    }) ?? 0
  );
}

/** The multipath route that has these legs and more. */
export function withLegs(equals: readonly number[], hop: Hop, hopOf: HopOf): number | undefined {
  if (hop.nexthop !== undefined || hop.legs.length === 0) return undefined;
  return equals.find((route) => {
    const known = hopOf(route);
    if (known.nexthop !== undefined || known.legs.length <= hop.legs.length) return false;
    const legs = new Set(known.legs.map(legKey));
    return hop.legs.every((leg) => legs.has(legKey(leg)));
  });
}

/** Do both lead the same way, whatever else is said of them? */
export function sameWay(a: Hop, b: Hop): boolean {
  if (a.nexthop !== b.nexthop || a.source !== b.source) return false;
  if (a.nexthop !== undefined) return true;
  const keys = new Set(a.legs.map(legKey));
  return a.legs.length === b.legs.length && b.legs.every((leg) => keys.has(legKey(leg)));
}
