/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The straight way: nearly every packet of a service, from its first byte to its verdict in one piece without a call.
 *
 * It is TCP or UDP, whole, untagged and without options, for a service found by its own address and port; its slot is
 * steady; its backend is alive, its next hop known, and the packet fits. All that is looked at here with as few steps as
 * can be, parse included, and whatever is not so is left to the stages, which decide it anew: here nothing is refused,
 * dropped for what it is, or remembered. So this may be switched off without any difference but time, and a test does
 * that.
 */
#ifndef HEADRACE_BALANCE_STRAIGHT_H
#define HEADRACE_BALANCE_STRAIGHT_H

#include "balance-forward.h"
#include "plain.h"

const volatile _Bool feature_balance_straight = 1;

/* Places of the index that are looked at; nearly every service is at one of the first. */
#define LB_STRAIGHT_PROBES 4

/* Answers besides those of balance-pick.h. */
#define LB_LONG 3
#define LB_UNPARSED 4

/* What is known of the flow, before its service is. */
struct lb_straight {
	__u64 where;           /* of the destination */
	__u64 high, low;       /* the destination itself, as two words */
	__u64 from;            /* the source's part of the flow's hash */
	__u64 to;              /* the destination's, and the ports' */
};

static __always_inline const struct lb_service *lb_straight_find(const struct lb_tables *tables,
									    const struct lb_straight *flow, __u32 rest,
									    __u32 *number)
{
	__u64 hash = lb_index_hash(flow->where, rest);
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < LB_STRAIGHT_PROBES; i++) {
		__u64 found = LB_READ_ONCE(tables->index[((hash >> LB_INDEX_SHIFT) + i) & (LB_INDEX_ENTRIES - 1)]);
		const struct lb_service *service = &tables->services[found & (LB_SERVICES_MAX - 1)];

		if (!found)
			return NULL;
		*(volatile __u32 *)number = found & (LB_SERVICES_MAX - 1); /* ends what is speculated: see lb_find */
		if ((__u32)(found >> 32) == (__u32)hash &&
		    !((lb_word(service->address) ^ flow->high) | (lb_word(service->address + 2) ^ flow->low) |
		      (*(const __u32 *)&service->port ^ rest)))
			return service;
	}
	return NULL;
}

static __always_inline void lb_straight_hash_ipv4(const struct iphdr *ip, struct lb_straight *flow)
{
	flow->high = 0;
	flow->low = lb_mapped(ip->daddr);
	flow->where = flow->low * LB_HASH(B);
	flow->to = flow->low * LB_HASH(D);
	flow->from = lb_mapped(ip->saddr) * LB_HASH(B);
}

static __always_inline void lb_straight_hash_ipv6(const struct ipv6hdr *ip, struct lb_straight *flow)
{
	flow->high = lb_word(ip->daddr.s6_addr32);
	flow->low = lb_word(ip->daddr.s6_addr32 + 2);
	flow->where = flow->high * LB_HASH(A) + flow->low * LB_HASH(B);
	flow->to = flow->high * LB_HASH(C) + flow->low * LB_HASH(D);
	flow->from = lb_where(ip->saddr.s6_addr32);
}

/* Parses a plain packet, and makes the part of its flow's hash that needs no service. 0: it is not plain, and nothing in
 * `packet` counts. */
static __always_inline int lb_straight_read(struct xdp_md *ctx, struct packet *packet, struct lb_straight *flow,
					    __u32 *tcp_flags)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	__u32 ifindex = ctx->ingress_ifindex;
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	const void *l3 = eth + 1, *l4;
	__u64 addresses;
	__u32 both, flags;

	if (!port || (const void *)(eth + 1) + sizeof(struct iphdr) + PLAIN_TRANSPORT > end ||
	    (port->flags & (PORT_ATTACHED | PORT_ENSLAVED | PORT_TO_KERNEL | PORT_TAGS_HIDDEN)) != PORT_ATTACHED ||
	    !same_mac(eth->h_dest, port->mac))
		return 0;
	packet->port_flags = port->flags;
	packet->slot = port->slot;
	packet->ingress = port->interface;
	packet->l3_offset = ETH_HLEN;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		if (!plain_ipv4(packet, l3, &addresses))
			return 0;
		l4 = l3 + sizeof(struct iphdr);
		both = *(const __u32 *)l4;
		flags = ((const __u8 *)l4)[TCP_FLAGS];
		lb_straight_hash_ipv4(l3, flow);
		barrier_var(flags); /* or one load of a variable place is made of two: that takes CAP_PERFMON */
	} else if (feature_ipv6 && eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		if (l3 + sizeof(struct ipv6hdr) + PLAIN_TRANSPORT > end || !plain_ipv6(packet, l3, &addresses))
			return 0;
		l4 = l3 + sizeof(struct ipv6hdr);
		both = *(const __u32 *)l4;
		flags = ((const __u8 *)l4)[TCP_FLAGS];
		lb_straight_hash_ipv6(l3, flow);
		barrier_var(flags);
	} else {
		return 0;
	}
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return 0;
	packet->frame_length = bpf_xdp_get_buff_len(ctx);
	if (packet->ip_length > packet->frame_length - ETH_HLEN)
		return 0;
	*(__u32 *)&packet->source_port = both; /* and the destination's */
	*tcp_flags = flags;
	flow->to += (both | (__u64)packet->protocol << 32) * LB_HASH(E);
	if (feature_unfinished_checksums && packet->port_flags & PORT_VIRTUAL &&
	    transport_unfinished(packet->protocol, l4, end, addresses, packet->ip_length + ETH_HLEN - packet->l4_offset))
		return 0;
	return 1;
}

/*
 * NEXT: it is for no VIP. LB_LONG: it has to be looked at more closely, and is in `packet` as parse leaves it.
 * LB_UNPARSED: parse it.
 *
 * What is known of it stays out of memory until somebody else has to know.
 */
__noinline int lb_straight(struct xdp_md *ctx, struct packet *packet)
{
	struct lb_tables *tables = lb_my_tables();
	__u32 service_number = 0, backend_number, begins;
	struct lb_straight flow;
	struct lb_choice choice = {};
	const struct lb_service *service;
	const struct lb_backend *way;
	__u32 overhead, excess;
	enum verdict out;
	__u32 tcp_flags;
	__u64 hash;
	void *data;

	if (!tables || !packet || !lb_straight_read(ctx, packet, &flow, &tcp_flags))
		return LB_UNPARSED;
	/* Without CAP_PERFMON the verifier also follows what is only speculated. A store to the stack ends that. */
	*(volatile __u32 *)&begins = 0;
	hash = lb_mix(flow.from + flow.to); /* before the service is known: not to wait for it */
	service = lb_straight_find(tables, &flow, lb_rest(packet->destination_port, packet->protocol, 0), &service_number);
	if (!service) {
		/* A backend's is perhaps a reply. */
		if (!(feature_nat && nat_filter_has(flow.from)) && !lb_maybe_address(tables, flow.where))
			return NEXT;
		return LB_LONG;
	}
	if (service->udp | (service->fragments & LB_FRAGMENTS_HASH3) || service->mode == LB_MODE_NAT)
		return LB_LONG;
	begins = packet->protocol == IPPROTO_TCP &&
			(tcp_flags & (LB_TCP_SYN | LB_TCP_ACK | LB_TCP_RST | LB_TCP_FIN)) == LB_TCP_SYN;
	if (begins && service->mss)
		return LB_LONG;
	if (service->flags & LB_SERVICE_CLIENT_IP)
		hash = lb_mix(flow.from);
	hash ^= lb_seed(service);
	choice.ring = LB_READ_ONCE(service->ring);
	if (!lb_read_slot(tables, &choice, hash) || choice.word >> LB_SLOT_PREVIOUS_SHIFT)
		return LB_LONG;
	backend_number = choice.word;
	way = lb_backend_in(tables, backend_number);
	if (!way || LB_READ_ONCE(way->state) != (LB_BACKEND_ALIVE | LB_BACKEND_RESOLVED) ||
	    way->flags & LB_BACKEND_LOCAL || !lease_valid())
		return LB_LONG;
	overhead = lb_overhead(service->mode, way);
	if (packet->ip_length + overhead > way->mtu)
		return LB_LONG;
	out = leave_by(ctx, packet, way->ifindex, BALANCED);
	if (out == VERDICT_PASS)
		return LB_LONG;

	packet->egress = way->ifindex;
	excess = packet->frame_length - ETH_HLEN - packet->ip_length;
	if (overhead && bpf_xdp_adjust_head(ctx, -(int)overhead))
		return lb_drop(REASON_NO_HEADROOM);
	if (excess && bpf_xdp_adjust_tail(ctx, -(int)excess))
		return lb_drop(REASON_VIP_UNFIT);
	data = (void *)(long)ctx->data;
	if (data + ETH_HLEN > (void *)(long)ctx->data_end ||
	    (overhead ? !lb_encapsulate(data + ETH_HLEN, (void *)(long)ctx->data_end, packet, service, way, hash) :
			!lb_decrement_ttl(data + ETH_HLEN, (void *)(long)ctx->data_end, packet->family)))
		return lb_drop(REASON_VIP_UNFIT);
	lb_write_ethernet(data, way, overhead ? way->flags & LB_BACKEND_IPV6 : packet->family == AF_INET6);
	lb_count(packet, service_number, backend_number, begins);
	return verdict(out, REASON_BALANCED);
}

#endif
