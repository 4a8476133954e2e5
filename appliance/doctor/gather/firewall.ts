/** Facts of the operator's rules, as the daemon sees them: read once, followed by nobody. */
import { claimsOf, Firewall } from '../../../controlplane/firewall/index.ts';
import type { Link } from '../../../controlplane/netlink/index.ts';
import type { ClaimFacts } from '../facts.ts';

/** @throws when the kernel refuses to be asked. */
export function firewallFacts(
  ports: readonly Link[],
  links: readonly Link[],
  bypasses: (name: string) => boolean,
): ClaimFacts[] {
  using firewall = new Firewall(() => {});
  const names = new Map(ports.map(({ index, name }) => [index, name]));
  return claimsOf(firewall.findings(ports, links), ports, links).map(({ ifindex, side, cause, where }) => {
    const name = names.get(ifindex) ?? '';
    return { interface: name, direction: side, cause, where, bypassed: bypasses(name) };
  });
}
