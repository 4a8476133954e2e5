/**
 * What was found that forwarded packets would meet in the kernel and not in XDP, and whom it concerns.
 *
 * A finding is about all packets, or about those that arrive by (or leave by) interfaces it names. It names only what is
 * plain: everything else concerns all.
 */

/** Who would have acted on the packets. `unknown`: it could not be read, which is no reason to call it nothing. */
export type Cause = 'nftables' | 'iptables' | 'nat' | 'traffic_control' | 'rule' | 'vrf' | 'ipsec' | 'unknown';

/** Interfaces by name, by the beginning of a name, by number, or those that belong to a bridge. */
export interface InterfaceMatch {
  readonly side: 'in' | 'out';
  readonly bridged?: true;
  readonly name?: string;
  readonly prefix?: string;
  readonly ifindex?: number;
}

export type Scope = 'all' | readonly InterfaceMatch[];

export interface Finding {
  readonly cause: Cause;
  /** Where it stands, as an operator finds it: `chain inet filter forward`. */
  readonly where: string;
  readonly scope: Scope;
}

/** Both together; 'all' wins. */
export function joinScopes(scopes: Iterable<Scope>): Scope {
  const all: InterfaceMatch[] = [];
  for (const scope of scopes) {
    if (scope === 'all') return 'all';
    all.push(...scope);
  }
  return all;
}
