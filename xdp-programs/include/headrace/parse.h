/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * First stage: is this a packet that a router forwards without a second thought?
 *
 * The checks are the kernel's own input checks (ip_rcv_core, ip_route_input_slow, ip6_rcv_core, ip6_forward), because
 * bpf_fib_lookup makes none of them: it would send a packet for 224.0.0.1 along the default route. What fails one is
 * passed up unmodified; the kernel drops it, answers it or counts it. Most of them are objections (see packet.h): the
 * stages in between still get to see whose packet it is.
 *
 * Headers that do not lie in the linear part of a multi-buffer frame are the kernel's too.
 */
#ifndef HEADRACE_PARSE_H
#define HEADRACE_PARSE_H

#include "checksum.h"
#include "maps.h"
#include "packet.h"
#include "tags.h"
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
	packet->l4_offset = packet->l3_offset + header;
	if ((packet->protocol == IPPROTO_TCP || has_ports(packet->protocol)) && length >= (packet->protocol == IPPROTO_AH ? 8 : 4)) {
		if (packet->protocol == IPPROTO_AH) {
			port += 2;
			barrier_var(port); /* or the compiler adds a variable, which takes CAP_PERFMON */
		}
		if ((const void *)(port + 2) > end) {
			packet->l4_offset = 0;
			object(packet, REASON_TRUNCATED);
			return NEXT;
		}
		packet->source_port = port[0];
		packet->destination_port = port[1];
	}
	if (feature_unfinished_checksums && packet->port_flags & PORT_VIRTUAL &&
	    checksum_unfinished(packet->protocol, l4, end, sum, length))
		object(packet, REASON_UNFINISHED_CHECKSUM);
	return NEXT;
}

/* The same behind IPv4 options, for stages that must know whose packet it is; it is the kernel's in any case. */
static __always_inline int parse_behind_options(struct xdp_md *ctx, struct packet *packet, __u32 header)
{
	__u32 offset = packet->l3_offset + header;
	__be16 port[2];

	object(packet, REASON_IP_OPTIONS);
	if (packet->fragment)
		return NEXT;
	if (!has_ports(packet->protocol) || packet->protocol == IPPROTO_AH) {
		packet->l4_offset = offset;
	} else if (packet->ip_length >= header + sizeof(port) && !bpf_xdp_load_bytes(ctx, offset, port, sizeof(port))) {
		packet->l4_offset = offset;
		packet->source_port = port[0];
		packet->destination_port = port[1];
	}
	return NEXT;
}

static __always_inline int ipv4_martian_source(const __be32 *address)
{
	__u32 a, first = *(const __u8 *)address;

	if (first - 1 < 223 && first != 127) /* nearly all */
		return 0;
	a = bpf_ntohl(*address);
	return a >> 24 == 0 || a >> 24 == 127 || a >> 28 == 0xe || a == 0xffffffff;
}

static __always_inline int parse_ipv4(struct xdp_md *ctx, struct packet *packet, const struct iphdr *ip, const void *end)
{
	__u32 header;

	if ((const void *)(ip + 1) > end)
		return pass(REASON_TRUNCATED);
	header = ip->ihl * 4;
	if (ip->version != 4 || header < sizeof(*ip))
		return pass(REASON_MALFORMED);
	packet->family = AF_INET;
	packet->protocol = ip->protocol;
	packet->ip_length = bpf_ntohs(ip->tot_len);
	packet->fragment = !!(ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET));
	if (packet->ip_length < header || packet->ip_length > packet->frame_length - packet->l3_offset)
		return pass(REASON_MALFORMED);
	if (header > sizeof(*ip))
		return parse_behind_options(ctx, packet, header);
	if (!ipv4_checksum_right(ip))
		return pass(REASON_BAD_CHECKSUM);
	if (ipv4_martian_source(&ip->saddr))
		object(packet, REASON_MARTIAN_SOURCE);
	else if (ipv4_martian_source(&ip->daddr)) /* the same ranges must not be forwarded to */
		object(packet, REASON_SPECIAL_DESTINATION);
	else if (ip->ttl <= 1)
		object(packet, REASON_TTL_EXPIRED);
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
	__u64 sum;

	if ((const void *)(ip + 1) > end)
		return pass(REASON_TRUNCATED);
	if (ip->version != 6)
		return pass(REASON_MALFORMED);
	packet->family = AF_INET6;
	packet->ip_length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	packet->protocol = ip->nexthdr;
	if (packet->ip_length > packet->frame_length - packet->l3_offset)
		return pass(REASON_MALFORMED);
	if (ipv6_martian_source(&ip->saddr))
		object(packet, REASON_MARTIAN_SOURCE);
	else if (ipv6_martian_source(&ip->daddr))
		object(packet, REASON_SPECIAL_DESTINATION);
	else if (ip->hop_limit <= 1)
		object(packet, REASON_TTL_EXPIRED);

	switch (ip->nexthdr) {
	case IPPROTO_HOPOPTS: /* RFC 8200 4.3: for every node on the path */
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* HIP */
	case 140: /* Shim6 */
	case 253:
	case 254: /* experiments */
		object(packet, REASON_EXTENSION_HEADER);
		return NEXT;
	case IPPROTO_FRAGMENT:
		fragment = (const void *)(ip + 1);
		packet->fragment = 1;
		if (packet->ip_length < sizeof(*ip) + sizeof(*fragment))
			object(packet, REASON_MALFORMED);
		else if ((const void *)(fragment + 1) > end)
			object(packet, REASON_TRUNCATED);
		else
			packet->protocol = fragment->nexthdr;
		return NEXT;
	}
	sum = ipv6_address_sum(ip);
	barrier_var(sum); /* or the stack keeps eight words until it is asked for */
	return parse_transport(packet, ip + 1, end, sum, sizeof(*ip));
}

static __always_inline int same_mac(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const void *)a, *y = (const void *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

/*
 * What keeps the whole interface's packets off the fast path. `flags`: those of the port, and of the VLAN interface.
 *
 * The balancer makes nothing of rules for what the kernel forwards, so they must not hide what is wrong with the packet
 * itself: they come behind every other objection. What never reaches IP here comes before them all.
 */
static __always_inline void object_to_port(struct packet *packet, __u32 flags)
{
	if (flags & PORT_ENSLAVED)
		packet->why_not = REASON_ENSLAVED;
	else if (flags & PORT_TO_KERNEL)
		object(packet, REASON_NETFILTER);
	else
		object(packet, REASON_TAGS_HIDDEN);
}

static __always_inline int parse(struct xdp_md *ctx, struct packet *packet)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	__u32 ifindex = ctx->ingress_ifindex;
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	const void *l3;
	__u32 objections;
	__be16 type;
	int answer;

	packet->frame_length = bpf_xdp_get_buff_len(ctx);
	packet->l3_offset = ETH_HLEN;
	if (!port || !(port->flags & PORT_ATTACHED))
		return pass(REASON_UNKNOWN_PORT);
	packet->slot = port->slot;
	packet->port_flags = port->flags;
	packet->ingress = port->interface;
	if ((const void *)(eth + 1) > end)
		return pass(REASON_TRUNCATED);
	type = eth->h_proto;
	l3 = eth + 1;
	if (feature_vlan && is_tag(type)) {
		const struct port *vlan = port;

		answer = parse_tags(packet, &l3, end, &type);
		if (answer)
			return answer;
		if (packet->ingress != port->interface) {
			ifindex = packet->ingress;
			vlan = bpf_map_lookup_elem(&ports, &ifindex);
			if (!vlan || !(vlan->flags & PORT_ATTACHED))
				return pass(REASON_VLAN);
			packet->slot = vlan->slot;
			packet->port_flags = vlan->flags;
		}
		/* The kernel takes a frame that is for the port or for the VLAN interface. */
		if (!same_mac(eth->h_dest, port->mac) && !same_mac(eth->h_dest, vlan->mac))
			return pass(eth->h_dest[0] & 1 ? REASON_GROUP_FRAME : REASON_OTHER_HOST);
		objections = (port->flags | vlan->flags) & (PORT_ENSLAVED | PORT_TO_KERNEL);
	} else {
		if (!same_mac(eth->h_dest, port->mac))
			return pass(eth->h_dest[0] & 1 ? REASON_GROUP_FRAME : REASON_OTHER_HOST);
		objections = port->flags & (PORT_ENSLAVED | PORT_TO_KERNEL | (feature_vlan ? PORT_TAGS_HIDDEN : 0));
	}

	if (type == bpf_htons(ETH_P_IP))
		answer = parse_ipv4(ctx, packet, l3, end);
	else if (feature_ipv6 && type == bpf_htons(ETH_P_IPV6))
		answer = parse_ipv6(packet, l3, end);
	else
		return pass(is_tag(type) ? REASON_VLAN : REASON_OTHER_ETHERTYPE);
	if (objections)
		object_to_port(packet, objections);
	return answer;
}

#endif
