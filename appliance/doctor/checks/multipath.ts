/** Do XDP and the kernel choose the same leg of a multipath route, and is a dead leg avoided? */
import { type Check, ok, type Result, setSysctl, sysctl, system, unknown } from '../check.ts';

export const multipath: Check = {
  name: 'multipath',
  why: 'Under hash policy 1 the packet path and the kernel choose the same next hop for a flow. Under others a flow of which the kernel handles a part may be split and reordered. Without ignore_routes_with_linkdown, packets go on to a next hop without carrier.',
  examine(facts) {
    return (['ipv4', 'ipv6'] as const).flatMap((family): Result[] => [
      policy(sysctl(facts, `net.${family}.fib_multipath_hash_policy`), `net.${family}.fib_multipath_hash_policy`),
      ...facts.interfaces.map(({ name }) =>
        linkDown(sysctl(facts, `net.${family}.conf.${name}.ignore_routes_with_linkdown`), family, name),
      ),
    ]);
  },
};

function policy(value: number | undefined, name: string): Result {
  if (value === undefined) return unknown(system, `${name} cannot be read`);
  if (value === 1) return ok(system, `${name}=1`);
  return { subject: system, verdict: 'note', says: `${name}=${value}`, mend: setSysctl(name, 1) };
}

/** The interface's own setting decides; that of `all` is not looked at for IPv4. */
function linkDown(value: number | undefined, family: string, name: string): Result {
  if (value === undefined) return unknown(name, `ignore_routes_with_linkdown (${family}) cannot be read`);
  if (value !== 0) return ok(name, `${family} routes by it are not used while it has no carrier`);
  return {
    subject: name,
    verdict: 'note',
    says: `${family} routes by it stay in use while it has no carrier (ignore_routes_with_linkdown=0)`,
    mend: `sysctl -w net/${family}/conf/${name}/ignore_routes_with_linkdown=1`,
  };
}
