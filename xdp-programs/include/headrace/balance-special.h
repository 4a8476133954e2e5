/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets whose flow is not simply in their ports: errors about a flow, fragments, QUIC. Each is a function of its own, which other packets never call.
 */
#ifndef HEADRACE_BALANCE_SPECIAL_H
#define HEADRACE_BALANCE_SPECIAL_H

#include "balance-forward.h"

enum lb_icmp_kind {
	LB_ICMP_OTHER,
	LB_ICMP_ECHO,
	LB_ICMP_ERROR,    /* the flow it is about is in `flow`, as its client's packets have it */
	LB_ICMP_NEIGHBOR, /* neighbor discovery: a matter of the link, and the kernel's */
};

/* Source and destination of a flow, from those of the packet that the backend sent and the error quotes. */
static __always_inline void lb_reverse(struct lb_flow_key *flow, const __be16 *ports, __u8 protocol)
{
	flow->source_port = ports[1];
	flow->destination_port = ports[0];
	flow->protocol = protocol;
}

/*
 * What an ICMP packet for a VIP is. An error quotes a packet of a backend, whose source is the VIP; of what is behind
 * its IP header there may be no more than 8 bytes (RFC 792), which is enough for the ports.
 */
__noinline int lb_read_icmp(struct xdp_md *ctx, const struct packet *packet, struct lb_flow_key *flow)
{
	__u32 at, header;
	__be16 ports[2];
	__u8 type;

	if (!packet || !flow || !packet->l4_offset)
		return LB_ICMP_OTHER;
	at = packet->l4_offset;
	if (bpf_xdp_load_bytes(ctx, at, &type, sizeof(type)))
		return LB_ICMP_OTHER;
	at += 8;
	if (packet->family == AF_INET) {
		struct iphdr quoted;

		if (type == 8)
			return LB_ICMP_ECHO;
		if (type != 3 && type != 11 && type != 12)
			return LB_ICMP_OTHER;
		if (bpf_xdp_load_bytes(ctx, at, &quoted, sizeof(quoted)) || quoted.version != 4 || quoted.ihl < 5 ||
		    quoted.saddr != flow->destination[3] || quoted.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return LB_ICMP_OTHER;
		header = quoted.ihl * 4;
		lb_map_ipv4(flow->source, quoted.daddr);
		flow->protocol = quoted.protocol;
	} else {
		struct ipv6hdr quoted;

		if (type == 128)
			return LB_ICMP_ECHO;
		if (type >= 133 && type <= 137)
			return LB_ICMP_NEIGHBOR;
		if (type < 1 || type > 4)
			return LB_ICMP_OTHER;
		if (bpf_xdp_load_bytes(ctx, at, &quoted, sizeof(quoted)) || quoted.version != 6 ||
		    lb_word(&quoted.saddr) != lb_word(flow->destination) ||
		    lb_word(quoted.saddr.s6_addr32 + 2) != lb_word(flow->destination + 2))
			return LB_ICMP_OTHER;
		header = sizeof(quoted);
		__builtin_memcpy(flow->source, &quoted.daddr, sizeof(quoted.daddr));
		flow->protocol = quoted.nexthdr;
	}
	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return LB_ICMP_OTHER;
	if (bpf_xdp_load_bytes(ctx, at + header, ports, sizeof(ports)))
		return LB_ICMP_OTHER;
	lb_reverse(flow, ports, flow->protocol);
	return LB_ICMP_ERROR;
}

enum lb_fragment_kind {
	LB_FRAGMENT_UNREADABLE,
	LB_FRAGMENT_FIRST, /* its ports, if it has any, are in `flow` */
	LB_FRAGMENT_LATER,
};

/* What a fragment is. `key`: what it has in common with the others of its packet. */
__noinline int lb_read_fragment(struct xdp_md *ctx, const struct packet *packet, struct lb_flow_key *flow,
				struct lb_fragment_key *key)
{
	__be16 ports[2];
	__u32 at;

	if (!packet || !flow || !key)
		return LB_FRAGMENT_UNREADABLE;
	at = packet->l3_offset;
	__builtin_memcpy(key->source, flow->source, sizeof(key->source));
	__builtin_memcpy(key->destination, flow->destination, sizeof(key->destination));
	key->protocol = packet->protocol;
	if (packet->family == AF_INET) {
		struct iphdr ip;

		if (bpf_xdp_load_bytes(ctx, at, &ip, sizeof(ip)))
			return LB_FRAGMENT_UNREADABLE;
		key->id = ip.id;
		if (ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return LB_FRAGMENT_LATER;
		at += sizeof(ip);
	} else {
		struct {
			__u8 next;
			__u8 reserved;
			__be16 offset;
			__be32 id;
		} head;

		at += sizeof(struct ipv6hdr);
		if (bpf_xdp_load_bytes(ctx, at, &head, sizeof(head)))
			return LB_FRAGMENT_UNREADABLE;
		key->id = head.id;
		if (head.offset & bpf_htons(0xfff8))
			return LB_FRAGMENT_LATER;
		at += sizeof(head);
	}
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return LB_FRAGMENT_FIRST;
	if (bpf_xdp_load_bytes(ctx, at, ports, sizeof(ports)))
		return LB_FRAGMENT_UNREADABLE;
	flow->source_port = ports[0];
	flow->destination_port = ports[1];
	return LB_FRAGMENT_FIRST;
}

#define LB_QUIC_UNROUTABLE 0xe0

/*
 * The backend that a QUIC packet names: servers put their id into the connection ids they give out (as in the plain
 * form of QUIC-LB), and clients send it back. Until then, and for ids of nobody, the flow's hash decides: 0. The length of
 * an id says nothing of the configuration that made it: while one is rotated, both have the same place and length.
 */
__noinline __u32 lb_quic(struct xdp_md *ctx, const struct packet *packet, __u32 service_number)
{
	const struct lb_service *service = lb_service(service_number);
	struct lb_quic_key key = {};
	const __u32 *backend;
	__u8 head[7], id[4] = {};
	__u32 at, first, of_long;

	if (!packet || !service || !packet->l4_offset)
		return 0;
	at = packet->l4_offset + sizeof(struct udphdr);
	if (bpf_xdp_load_bytes(ctx, at, head, sizeof(head)))
		return 0;
	/* RFC 8999: a long header has the length of the destination's id in its sixth byte; a short one has the id at
	 * once, of a length that only its maker knows. */
	first = head[1];
	of_long = head[6];
	barrier_var(of_long); /* both read: choosing the address instead takes CAP_PERFMON */
	if (!(head[0] & 0x80)) {
		at += 1;
	} else if (head[5] == service->quic_cid_length) {
		at += 6;
		first = of_long;
	} else {
		return 0;
	}
	/* The upper bits of the octet before the server id say by which configuration it was made: all of them, by none. */
	if (service->quic_id_offset && first >= LB_QUIC_UNROUTABLE)
		return 0;
	at += service->quic_id_offset;
	switch (service->quic_id_length) {
	case 1:
		if (bpf_xdp_load_bytes(ctx, at, id + 3, 1))
			return 0;
		break;
	case 2:
		if (bpf_xdp_load_bytes(ctx, at, id + 2, 2))
			return 0;
		break;
	case 3:
		if (bpf_xdp_load_bytes(ctx, at, id + 1, 3))
			return 0;
		break;
	case 4:
		if (bpf_xdp_load_bytes(ctx, at, id, 4))
			return 0;
		break;
	default:
		return 0;
	}
	key.ring = service->ring;
	key.server = (__u32)id[0] << 24 | (__u32)id[1] << 16 | (__u32)id[2] << 8 | id[3];
	backend = bpf_map_lookup_elem(&lb_quic_ids, &key);
	if (!backend || !lb_alive(*backend))
		return 0;
	lb_event(LB_EVENT_QUIC_ID);
	return *backend;
}

#endif
