/** How large are the routing tables? */
import { type Check, ok, system, unknown } from '../check.ts';

const LARGE = 50_000;

export const routeTables: Check = {
  name: 'route-tables',
  why: 'A look-up in a full table misses the CPU caches: with a million routes a packet to a random destination costs four times one to a small table.',
  examine({ routes }) {
    if (!routes) return [unknown(system, 'the routes could not be counted')];
    const says = `${routes.ipv4} IPv4 and ${routes.ipv6} IPv6 routes`;
    return routes.ipv4 + routes.ipv6 < LARGE ? [ok(system, says)] : [{ subject: system, verdict: 'note', says }];
  },
};
