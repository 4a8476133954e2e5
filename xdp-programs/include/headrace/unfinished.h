/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is the transport checksum still to be finished by hardware that this packet will never meet?
 *
 * A local sender (a container behind a veth, a virtual machine behind a tap) leaves the checksum to its device
 * (CHECKSUM_PARTIAL), and a virtual device hands the packet on as it is. The kernel remembers that in the skb; an XDP
 * frame has no place for it. What can be seen is the field itself: it holds the bare sum of the pseudo-header. Such a
 * packet goes up, and the kernel finishes it at the egress. A finished checksum that happens to equal that sum goes up
 * too, which costs time and nothing else. SCTP leaves zeros.
 *
 * What a tunnel of the same sender carries is unfinished inside, while the outer header is complete: one level of IP
 * or GRE is looked into, VXLAN and its like are the kernel's by their ports.
 */
#ifndef HEADRACE_UNFINISHED_H
#define HEADRACE_UNFINISHED_H

#include "checksum.h"

const volatile _Bool feature_unfinished_checksums = 1;

static __always_inline int tunnel_port(__be16 port)
{
	return port == bpf_htons(VXLAN_PORT) || port == bpf_htons(VXLAN_PORT_LINUX) ||
	       port == bpf_htons(GENEVE_PORT) || port == bpf_htons(GUE_PORT);
}

/* `sum`: of the addresses' 32-bit words; `length`: of the transport header and what follows. */
static __always_inline int transport_unfinished(__u8 protocol, const void *l4, const void *end, __u64 sum,
						__u32 length)
{
	const struct tcphdr *tcp = l4;
	const struct udphdr *udp = l4;
	const __u32 *sctp = l4;
	const __u16 *icmp = l4;

	switch (protocol) {
	case IPPROTO_TCP:
		if ((const void *)(tcp + 1) > end)
			return 0;
		return same_sum(tcp->check, pseudo_header_sum(sum, length, IPPROTO_TCP));
	case IPPROTO_UDP:
		if ((const void *)(udp + 1) > end)
			return 0;
		if (tunnel_port(udp->dest))
			return 1;
		return udp->check && same_sum(udp->check, pseudo_header_sum(sum, length, IPPROTO_UDP));
	case IPPROTO_ICMPV6:
		if ((const void *)(icmp + 2) > end)
			return 0;
		return same_sum(icmp[1], pseudo_header_sum(sum, length, IPPROTO_ICMPV6));
	case IPPROTO_SCTP:
		if ((const void *)(sctp + 3) > end)
			return 0;
		return sctp[2] == 0;
	default:
		return 0;
	}
}

/* Protocols that carry IP: what can't be looked into may be unfinished. */
static __always_inline int carries_ip(__u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_GRE;
}

static __always_inline __u64 ipv6_address_sum(const struct ipv6hdr *ip)
{
	const __u32 *s = ip->saddr.s6_addr32, *d = ip->daddr.s6_addr32;

	return (__u64)s[0] + s[1] + s[2] + s[3] + d[0] + d[1] + d[2] + d[3];
}

static __always_inline int inner_unfinished(__u8 protocol, const void *inner, const void *end)
{
	if (protocol == IPPROTO_GRE) {
		const __be16 *gre = inner;

		if ((const void *)(gre + 2) > end || gre[0]) /* checksum, key, sequence number: rare enough */
			return 1;
		if (gre[1] == bpf_htons(ETH_P_IP))
			protocol = IPPROTO_IPIP;
		else if (gre[1] == bpf_htons(ETH_P_IPV6))
			protocol = IPPROTO_IPV6;
		else
			return 1;
		inner += 4;
	}
	if (protocol == IPPROTO_IPIP) {
		const struct iphdr *ip = inner;

		if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 || carries_ip(ip->protocol))
			return 1;
		if (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
			return 0;
		return transport_unfinished(ip->protocol, ip + 1, end, (__u64)ip->saddr + ip->daddr,
					    bpf_ntohs(ip->tot_len) - sizeof(*ip));
	} else {
		const struct ipv6hdr *ip = inner;

		if ((const void *)(ip + 1) > end || ip->version != 6)
			return 1;
		switch (ip->nexthdr) {
		case IPPROTO_TCP:
		case IPPROTO_UDP:
		case IPPROTO_ICMPV6:
		case IPPROTO_SCTP:
			return transport_unfinished(ip->nexthdr, ip + 1, end, ipv6_address_sum(ip),
						    bpf_ntohs(ip->payload_len));
		default:
			return ip->nexthdr != IPPROTO_NONE;
		}
	}
}

static __always_inline int checksum_unfinished(__u8 protocol, const void *l4, const void *end, __u64 sum, __u32 length)
{
	if (carries_ip(protocol))
		return inner_unfinished(protocol, l4, end);
	return transport_unfinished(protocol, l4, end, sum, length);
}

#endif
