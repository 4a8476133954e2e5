/**
 * Reasons in plain words, for somebody who has not read about them: why the packet was not sent on by the fast path,
 * in a few words that fit a line. A test sees that every reason of the packet path has some.
 */
import type { Outcome } from './snapshot.ts';

export const reasonWords: Readonly<Record<string, string>> = {
  forwarded: 'sent on by the fast path',
  unknown_port: 'came in by an interface Headrace is not responsible for',
  netfilter: 'firewall rules apply here, so the kernel decides',
  truncated: 'its headers end too early',
  other_ethertype: 'neither IPv4 nor IPv6, such as ARP',
  other_host: 'addressed to another machine on the link',
  group_frame: 'broadcast or multicast',
  vlan: 'tagged for a VLAN that is not set up here',
  malformed: 'its lengths contradict each other',
  bad_checksum: 'its header checksum is wrong',
  ip_options: 'has IP options, which the kernel handles',
  extension_header: 'has an IPv6 extension header for routers',
  martian_source: 'from an address nobody may send from',
  special_destination: 'link-local or multicast, such as neighbor discovery',
  ttl_expired: 'its TTL ran out: the kernel answers, as traceroute wants',
  unfinished_checksum: 'a sender on this machine left its checksum to hardware',
  local: 'for the box itself, such as BGP or SSH, or without a route',
  no_neighbor: 'the next hop is not known yet: the kernel asks for it',
  frag_needed: 'larger than the way out allows: the kernel answers or fragments',
  blackhole: 'its route is a blackhole',
  unreachable: 'its route says unreachable',
  prohibit: 'its route says prohibited',
  forwarding_off: 'forwarding is switched off for the interface',
  encapsulated_route: 'its route encapsulates, which the kernel does',
  lookup_error: 'the route lookup failed',
  egress_unable: 'the way out cannot transmit from XDP, so the kernel sends',
  reverse_path: 'the reverse-path filter does not expect its source here',
};

/** Plain words, or, for a reason nobody wrote any for, its name without underscores. */
export function wordsFor(outcome: Outcome, reason: string): string {
  if (outcome === 'fast' && reason === 'forwarded') return 'sent on by XDP';
  if (outcome === 'fast' && reason === 'forwarded_mirror') return 'sent on by XDP, by the mirror of the routes';
  return reasonWords[reason] ?? reason.replaceAll('_', ' ');
}
