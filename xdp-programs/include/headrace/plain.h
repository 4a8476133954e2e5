/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The same as parse.h for plain packets, in fewer steps: TCP or UDP, whole, untagged, without options or extension
 * headers, with nothing against forwarding it, of a port whose packets are not the kernel's.
 *
 * For such a packet struct packet is filled as parse fills it. Any other is left to parse, which begins anew.
 */
#ifndef HEADRACE_PLAIN_H
#define HEADRACE_PLAIN_H

#include "parse.h"

#define TCP_FLAGS 13 /* offset in the header */

/* Bytes of the transport header that must be there: ports and flags. UDP has fewer, and is padded nearly always. */
#define PLAIN_TRANSPORT (TCP_FLAGS + 1)

static __always_inline int plain_ipv4(struct packet *packet, const struct iphdr *ip, __u64 *addresses)
{
	packet->family = AF_INET;
	packet->protocol = ip->protocol;
	packet->ip_length = bpf_ntohs(ip->tot_len);
	packet->l4_offset = ETH_HLEN + sizeof(*ip);
	*addresses = (__u64)ip->saddr + ip->daddr;
	return *(const __u8 *)ip == 0x45 && !(ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) &&
	       ipv4_checksum_right(ip) && !ipv4_martian_source(&ip->saddr) && !ipv4_martian_source(&ip->daddr) &&
	       ip->ttl > 1 && packet->ip_length >= sizeof(*ip) + 4;
}

static __always_inline int plain_ipv6(struct packet *packet, const struct ipv6hdr *ip, __u64 *addresses)
{
	__u32 payload = bpf_ntohs(ip->payload_len);

	packet->family = AF_INET6;
	packet->protocol = ip->nexthdr;
	packet->ip_length = payload + sizeof(*ip);
	packet->l4_offset = ETH_HLEN + sizeof(*ip);
	*addresses = packet->port_flags & PORT_VIRTUAL ? ipv6_address_sum(ip) : 0;
	return ip->version == 6 && !ipv6_martian_source(&ip->saddr) && !ipv6_martian_source(&ip->daddr) &&
	       ip->hop_limit > 1 && payload >= 4;
}

#endif
