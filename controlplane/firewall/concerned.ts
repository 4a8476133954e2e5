/**
 * From findings to ports: whose packets must go to the kernel, and which ports must not be sent out of.
 *
 * A packet that arrives by a port is known to the kernel by more names than the port's: that of a VLAN interface on it,
 * of the bond, bridge or VRF it belongs to. A finding about any of them concerns the port.
 */
import type { Link } from '../netlink/index.ts';
import type { Cause, Finding, InterfaceMatch } from './finding.ts';

/** Why the kernel handles what arrives by, or leaves by, a port. */
export interface Claim {
  readonly ifindex: number;
  readonly side: 'in' | 'out';
  readonly cause: Cause;
  readonly where: string;
}

export interface PortLike {
  readonly index: number;
  readonly name: string;
}

/** @param links all interfaces. */
export function claimsOf(findings: readonly Finding[], ports: readonly PortLike[], links: readonly Link[]): Claim[] {
  const known = ports.map((port) => ({ port, names: namesOf(port, links) }));
  return findings.flatMap(({ cause, where, scope }) =>
    known.flatMap(({ port, names }) => {
      const sides =
        scope === 'all'
          ? (['in'] as const)
          : (['in', 'out'] as const).filter((side) =>
              scope.some((match) => match.side === side && names.some((link) => matches(match, link))),
            );
      return sides.map((side) => ({ ifindex: port.index, side, cause, where }));
    }),
  );
}

type Named = PortLike & Pick<Partial<Link>, 'masterKind'>;

function matches(match: InterfaceMatch, link: Named): boolean {
  if (match.bridged) return link.masterKind === 'bridge';
  if (match.ifindex !== undefined) return link.index === match.ifindex;
  if (match.name !== undefined) return link.name === match.name;
  return match.prefix !== undefined && link.name.startsWith(match.prefix);
}

/** The port, what it belongs to, and what stands on it. */
export function namesOf(port: PortLike, links: readonly Link[]): readonly Named[] {
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const found = new Map<number, Named>([[port.index, byIndex.get(port.index) ?? port]]);
  const queue = [port.index];
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    const master = byIndex.get(index)?.master;
    const above = links.filter((link) => link.index === master || standsOn(link, index!));
    for (const link of above) {
      if (found.has(link.index)) continue;
      found.set(link.index, link);
      queue.push(link.index);
    }
  }
  return [...found.values()];
}

/** The link of a veth is its far end, not what it stands on; that of a stranger's namespace is a number of there. */
function standsOn(link: Link, index: number): boolean {
  return link.linkIndex === index && link.kind !== 'veth' && link.linkNetnsId === undefined;
}

/** Ports of a VRF: the tables asked are the VRF's, and rules see its name. */
export function vrfFindings(ports: readonly PortLike[], links: readonly Link[]): Finding[] {
  return ports.flatMap((port) => {
    const vrf = namesOf(port, links).find((link) => links.some((l) => l.index === link.index && l.kind === 'vrf'));
    if (!vrf || vrf.index === port.index) return [];
    return [
      {
        cause: 'vrf' as const,
        where: `${port.name} belongs to VRF ${vrf.name}`,
        scope: [{ side: 'in' as const, name: port.name }],
      },
    ];
  });
}
