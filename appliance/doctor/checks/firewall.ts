/** Which rules of the operator's keep packets off the fast path, or would be skipped. */
import { type Check, ok, type Result, unknown } from '../check.ts';
import type { ClaimFacts } from '../facts.ts';

export const firewall: Check = {
  name: 'firewall',
  why: 'Packets that nftables, iptables, NAT, traffic control, IPsec or rules by mark would see are left to the kernel, at the kernel\'s speed. With "netfilter: bypass" they are not, and the rules do not apply.',
  examine({ interfaces, firewall }) {
    return interfaces.flatMap(({ name }): Result[] => {
      if (!firewall) return [unknown(name, 'the rules of this machine cannot be read')];
      const claims = firewall.filter((claim) => claim.interface === name);
      if (claims.length === 0) return [ok(name, 'no rule concerns forwarded packets')];
      return claims.map((claim) => judged(name, claim));
    });
  },
};

/** Where to look; what is to be done about a rule is the operator's to say. */
const look: Readonly<Record<ClaimFacts['cause'], string | undefined>> = {
  nftables: 'nft -a list ruleset',
  nat: 'nft -a list ruleset; iptables-save -t nat; ip6tables-save -t nat',
  iptables: 'iptables-save; ip6tables-save',
  traffic_control: 'tc qdisc show; tc filter show',
  rule: 'ip rule show; ip -6 rule show',
  ipsec: 'ip xfrm policy',
  vrf: 'ip vrf show',
  unknown: undefined,
};

function judged(name: string, { direction, cause, where, bypassed }: ClaimFacts): Result {
  const whose = `what ${direction === 'in' ? 'arrives' : 'leaves'} by it`;
  if (bypassed)
    return { subject: name, verdict: 'note', says: `${where} is skipped for ${whose}: netfilter is bypass` };
  if (cause === 'unknown') return unknown(name, `${where}: the kernel handles ${whose}, in case there are rules`);
  return {
    subject: name,
    verdict: 'warn',
    says: `${where} is for the kernel to apply, so it handles ${whose}`,
    ...(look[cause] ? { mend: `${look[cause]}  # remove what is not needed, or set netfilter to bypass` } : {}),
  };
}
