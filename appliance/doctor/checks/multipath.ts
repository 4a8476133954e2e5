/** Do XDP and the kernel choose the same leg of a multipath route, and is a dead leg avoided? */
import { type Check, ok, type Result, setSysctl, sysctl, system, unknown } from '../check.ts';

export const multipath: Check = {
  name: 'multipath',
  why: 'Under hash policy 1 the packet path and the kernel choose the same next hop for a flow. Under others a flow of which the kernel handles a part may be split and reordered. Without ignore_routes_with_linkdown, packets go on to a next hop without carrier.',
  examine(facts) {
    return (['ipv4', 'ipv6'] as const).flatMap((family): Result[] => [
      policy(sysctl(facts, `net.${family}.fib_multipath_hash_policy`), `net.${family}.fib_multipath_hash_policy`),
      linkDown(
        sysctl(facts, `net.${family}.conf.all.ignore_routes_with_linkdown`),
        `net.${family}.conf.all.ignore_routes_with_linkdown`,
      ),
    ]);
  },
};

function policy(value: number | undefined, name: string): Result {
  if (value === undefined) return unknown(system, `${name} cannot be read`);
  if (value === 1) return ok(system, `${name}=1`);
  return { subject: system, verdict: 'note', says: `${name}=${value}`, mend: setSysctl(name, 1) };
}

function linkDown(value: number | undefined, name: string): Result {
  if (value === undefined) return unknown(system, `${name} cannot be read`);
  if (value === 1) return ok(system, `${name}=1`);
  return {
    subject: system,
    verdict: 'note',
    says: `routes by interfaces without carrier stay in use (${name}=0)`,
    mend: setSysctl(name, 1),
  };
}
