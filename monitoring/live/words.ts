/**
 * Reasons in plain words, for somebody who has not read about them: why the packet was not sent on by the fast path,
 * in a few words that fit a line. A test sees that every reason of the packet path has some.
 */
import type { Outcome } from './snapshot.ts';

export const reasonWords: Readonly<Record<string, string>> = {
  forwarded: 'sent on by the fast path',
  forwarded_mirror: 'sent on by the fast path, by mirrored routes',
  unknown_port: 'came in by an interface Headrace is not responsible for',
  netfilter: 'firewall rules apply here, so the kernel decides',
  daemon_lost: "the daemon is gone: firewall rules are the kernel's to apply",
  truncated: 'its headers end too early',
  other_ethertype: 'neither IPv4 nor IPv6, such as ARP',
  other_host: 'addressed to another machine on the link',
  group_frame: 'broadcast or multicast',
  vlan: 'tagged for a VLAN that is not set up here',
  tags_hidden: 'may have lost its VLAN tag to the network card',
  enslaved: 'its interface belongs to a bridge or a bond',
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
  no_neighbor_limited: 'the next hop does not answer, and enough asked for it',
  frag_needed: 'larger than the way out allows: the kernel answers or fragments',
  blackhole: 'its route is a blackhole',
  unreachable: 'its route says unreachable',
  prohibit: 'its route says prohibited',
  forwarding_off: 'forwarding is switched off for the interface',
  encapsulated_route: 'its route encapsulates, which the kernel does',
  lookup_error: 'the route lookup failed',
  egress_unable: 'the way out cannot transmit from XDP, so the kernel sends',
  no_headroom: 'no room in front of it for the VLAN tags of the way out',
  reverse_path: 'the reverse-path filter does not expect its source here',
  balanced: 'of a service, sent to its backend',
  balanced_local: 'of a service whose backend is this box',
  no_service: 'for a service address, on a port nobody serves',
  no_backend: 'for a service without a backend that is alive',
  backend_unresolved: 'no way to its backend is known',
  backend_unable: 'the way to its backend cannot transmit from XDP',
  vip_echo: 'a ping of a service address',
  vip_icmp: 'ICMP to a service address that is about no flow',
  vip_fragment: 'a fragment its service does not take',
  vip_unfit: 'for a service, with options or lengths it does not take',
  vip_ttl: 'for a service, and its TTL ran out',
  vip_too_big: 'for a service, and too large for the way to its backend',
  nat_reply: 'a backend’s answer, sent to its client as from the service',
  nat_no_flow: 'from where a backend serves, or a reset, and of no connection',
  nat_refused: 'a new connection, beyond what may begin in a second',
  nat_ports: 'a new connection, and no port is free for it',
  nat_hairpin: 'from a backend to itself by way of its service',
};

/** Plain words, or, for a reason nobody wrote any for, its name without underscores. */
export function wordsFor(outcome: Outcome, reason: string): string {
  if (outcome === 'fast' && reason === 'forwarded') return 'sent on by XDP';
  if (outcome === 'fast' && reason === 'forwarded_mirror') return 'sent on by XDP, by the mirror of the routes';
  return reasonWords[reason] ?? reason.replaceAll('_', ' ');
}
