/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * First stage: is this a packet that a router forwards without a second thought?
 *
 * The checks are the kernel's own input checks (ip_rcv_core, ip_route_input_slow, ip6_rcv_core, ip6_forward), because
 * bpf_fib_lookup makes none of them: it would send a packet for 224.0.0.1 along the default route. What fails one is
 * passed up unmodified; the kernel drops it, answers it or counts it.
 *
 * Headers that do not lie in the linear part of a multi-buffer frame are the kernel's too.
 */
#ifndef HEADRACE_PARSE_H
#define HEADRACE_PARSE_H

#include "checksum.h"
#include "maps.h"
#include "packet.h"
#include "unfinished.h"

const volatile _Bool feature_ipv6 = 1;

/* Protocols in which the kernel's flow dissector finds ports (proto_ports_offset); those of AH stand 4 bytes in. */
static __always_inline int has_ports(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_ESP: /* SPI */
	case IPPROTO_AH:  /* SPI */
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return 1;
	default:
		return 0;
	}
}

/* Ports, and whether the transport checksum is finished. `sum`: of the addresses' 32-bit words; `header`: length of
 * all IP headers. */
static __always_inline int parse_transport(struct packet *packet, const void *l4, const void *end, __u64 sum,
					   __u32 header)
{
	__u32 length = packet->ip_length - header;
	const __be16 *port = l4;

	if (packet->fragment)
		return NEXT;
	if (has_ports(packet->protocol) && length >= (packet->protocol == IPPROTO_AH ? 8 : 4)) {
		if (packet->protocol == IPPROTO_AH) {
			port += 2;
			barrier_var(port); /* or the compiler adds a variable, which takes CAP_PERFMON */
		}
		if ((const void *)(port + 2) > end)
			return pass(REASON_TRUNCATED);
		packet->source_port = port[0];
		packet->destination_port = port[1];
	}
	if (feature_unfinished_checksums && packet->port_flags & PORT_VIRTUAL &&
	    checksum_unfinished(packet->protocol, l4, end, sum, length))
		return pass(REASON_UNFINISHED_CHECKSUM);
	return NEXT;
}

static __always_inline int ipv4_martian_source(__be32 address)
{
	__u32 a = bpf_ntohl(address);

	return a >> 24 == 0 || a >> 24 == 127 || a >> 28 == 0xe || a == 0xffffffff;
}

static __always_inline int parse_ipv4(struct packet *packet, const struct iphdr *ip, const void *end)
{
	if ((const void *)(ip + 1) > end)
		return pass(REASON_TRUNCATED);
	if (ip->version != 4 || ip->ihl < 5)
		return pass(REASON_MALFORMED);
	if (ip->ihl > 5)
		return pass(REASON_IP_OPTIONS);
	packet->family = AF_INET;
	packet->protocol = ip->protocol;
	packet->ip_length = bpf_ntohs(ip->tot_len);
	if (packet->ip_length < sizeof(*ip) || packet->ip_length > packet->frame_length - ETH_HLEN)
		return pass(REASON_MALFORMED);
	if (!ipv4_checksum_right(ip))
		return pass(REASON_BAD_CHECKSUM);
	if (ipv4_martian_source(ip->saddr))
		return pass(REASON_MARTIAN_SOURCE);
	if (ipv4_martian_source(ip->daddr)) /* the same ranges must not be forwarded to */
		return pass(REASON_SPECIAL_DESTINATION);
	if (ip->ttl <= 1)
		return pass(REASON_TTL_EXPIRED);
	packet->fragment = !!(ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET));
	return parse_transport(packet, ip + 1, end, (__u64)ip->saddr + ip->daddr, sizeof(*ip));
}

static __always_inline int ipv6_martian_source(const struct in6_addr *a)
{
	const __be32 *w = a->s6_addr32;

	if (a->s6_addr[0] == 0xff)
		return 1;
	if ((w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000)) /* link-local: beyond its scope */
		return 1;
	if (w[0] | w[1])
		return 0;
	/* ::, ::1 and ::ffff:0:0/96 */
	return (w[2] == 0 && (w[3] == 0 || w[3] == bpf_htonl(1))) || w[2] == bpf_htonl(0xffff);
}

static __always_inline int parse_ipv6(struct packet *packet, const struct ipv6hdr *ip, const void *end)
{
	const struct frag_hdr {
		__u8 nexthdr;
		__u8 reserved;
		__be16 frag_off;
		__be32 identification;
	} *fragment;

	if ((const void *)(ip + 1) > end)
		return pass(REASON_TRUNCATED);
	if (ip->version != 6)
		return pass(REASON_MALFORMED);
	packet->family = AF_INET6;
	packet->ip_length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	if (packet->ip_length > packet->frame_length - ETH_HLEN)
		return pass(REASON_MALFORMED);
	if (ipv6_martian_source(&ip->saddr))
		return pass(REASON_MARTIAN_SOURCE);
	if (ipv6_martian_source(&ip->daddr))
		return pass(REASON_SPECIAL_DESTINATION);
	if (ip->hop_limit <= 1)
		return pass(REASON_TTL_EXPIRED);

	packet->protocol = ip->nexthdr;
	switch (ip->nexthdr) {
	case IPPROTO_HOPOPTS: /* RFC 8200 4.3: for every node on the path */
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* HIP */
	case 140: /* Shim6 */
	case 253:
	case 254: /* experiments */
		return pass(REASON_EXTENSION_HEADER);
	case IPPROTO_FRAGMENT:
		fragment = (const void *)(ip + 1);
		if (packet->ip_length < sizeof(*ip) + sizeof(*fragment))
			return pass(REASON_MALFORMED);
		if ((const void *)(fragment + 1) > end)
			return pass(REASON_TRUNCATED);
		packet->protocol = fragment->nexthdr;
		packet->fragment = 1;
		return NEXT;
	}
	return parse_transport(packet, ip + 1, end, ipv6_address_sum(ip), sizeof(*ip));
}

/* Is the frame for this port's own address? */
static __always_inline int parse_ethernet(const struct ethhdr *eth, const struct port *port)
{
	const __u16 *to = (const void *)eth->h_dest, *own = (const void *)port->mac;

	if (to[0] == own[0] && to[1] == own[1] && to[2] == own[2])
		return NEXT;
	return pass(eth->h_dest[0] & 1 ? REASON_GROUP_FRAME : REASON_OTHER_HOST);
}

static __always_inline int parse(struct xdp_md *ctx, struct packet *packet)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	__u32 ifindex = ctx->ingress_ifindex;
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	int answer;

	packet->frame_length = bpf_xdp_get_buff_len(ctx);
	if (!port || !(port->flags & PORT_ATTACHED))
		return pass(REASON_UNKNOWN_PORT);
	packet->slot = port->slot;
	packet->port_flags = port->flags;
	if (port->flags & PORT_TO_KERNEL)
		return pass(REASON_NETFILTER);
	if ((const void *)(eth + 1) > end)
		return pass(REASON_TRUNCATED);
	answer = parse_ethernet(eth, port);
	if (answer)
		return answer;

	switch (eth->h_proto) {
	case bpf_htons(ETH_P_IP):
		return parse_ipv4(packet, (const void *)(eth + 1), end);
	case bpf_htons(ETH_P_IPV6):
		if (feature_ipv6)
			return parse_ipv6(packet, (const void *)(eth + 1), end);
		return pass(REASON_OTHER_ETHERTYPE);
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return pass(REASON_VLAN);
	default:
		return pass(REASON_OTHER_ETHERTYPE);
	}
}

#endif
