/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The straight way: nearly every packet of a service, in one piece without a call.
 *
 * It is TCP or UDP, whole and untagged, for a service found by its own address and port; its slot is steady; its backend
 * is alive, its next hop known, and the packet fits. All that is looked at here with as few steps as can be, and whatever
 * is not so is left to the rest of the stage, which decides it anew from the beginning: here nothing is refused, dropped
 * or remembered. So this may be switched off without any difference but time, and a test does that.
 */
#ifndef HEADRACE_BALANCE_STRAIGHT_H
#define HEADRACE_BALANCE_STRAIGHT_H

#include "balance-forward.h"

const volatile _Bool feature_balance_straight = 1;

/* An answer besides those of balance-pick.h. */
#define LB_LONG 3

/* Places of the index that are looked at; nearly every service is at one of the first. */
#define LB_STRAIGHT_PROBES 4

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
		*number = found & (LB_SERVICES_MAX - 1);
		if (found >> 32 == (__u32)hash &&
		    !((lb_word(service->address) ^ flow->high) | (lb_word(service->address + 2) ^ flow->low) |
		      (*(const __u32 *)&service->port ^ rest)))
			return service;
	}
	return NULL;
}

/* The part of a flow's hash that needs no service. 0: its headers are not there. */
static __always_inline int lb_straight_read(struct xdp_md *ctx, const struct packet *packet, struct lb_straight *flow,
					    __u32 *tcp_flags)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *l3 = (void *)(long)ctx->data + ETH_HLEN;
	__u32 flags;

	flow->to = (packet->source_port | (__u32)packet->destination_port << 16 | (__u64)packet->protocol << 32) * LB_HASH(E);
	if (packet->family == AF_INET) {
		const struct iphdr *ip = l3;

		if ((const void *)(ip + 1) + LB_TCP_FLAGS + 1 > end)
			return 0;
		flags = ((const __u8 *)(ip + 1))[LB_TCP_FLAGS];
		barrier_var(flags); /* or one load of a variable place is made of two: that takes CAP_PERFMON */
		flow->high = 0;
		flow->low = lb_mapped(ip->daddr);
		flow->where = flow->low * LB_HASH(B);
		flow->to += flow->low * LB_HASH(D);
		flow->from = lb_mapped(ip->saddr) * LB_HASH(B);
	} else {
		const struct ipv6hdr *ip = l3;

		if ((const void *)(ip + 1) + LB_TCP_FLAGS + 1 > end)
			return 0;
		flags = ((const __u8 *)(ip + 1))[LB_TCP_FLAGS];
		barrier_var(flags); /* or one load of a variable place is made of two: that takes CAP_PERFMON */
		flow->high = lb_word(ip->daddr.s6_addr32);
		flow->low = lb_word(ip->daddr.s6_addr32 + 2);
		flow->where = flow->high * LB_HASH(A) + flow->low * LB_HASH(B);
		flow->to += flow->high * LB_HASH(C) + flow->low * LB_HASH(D);
		flow->from = lb_where(ip->saddr.s6_addr32);
	}
	*tcp_flags = flags;
	return 1;
}

/* NEXT: it is for no VIP. LB_LONG: it has to be looked at more closely. */
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

	if (!tables || !packet || packet->why_not | packet->fragment || packet->l3_offset != ETH_HLEN ||
	    (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) ||
	    !lb_straight_read(ctx, packet, &flow, &tcp_flags))
		return LB_LONG;
	hash = lb_mix(flow.from + flow.to); /* before the service is known: not to wait for it */
	service = lb_straight_find(tables, &flow, lb_rest(packet->destination_port, packet->protocol, 0), &service_number);
	if (!service) {
		if (feature_nat && nat_filter_has(flow.from)) /* a backend's: perhaps a reply */
			return LB_LONG;
		return lb_maybe_address(tables, flow.where) ? LB_LONG : NEXT;
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

	if (overhead && bpf_xdp_adjust_head(ctx, -(int)overhead))
		return lb_drop(REASON_NO_HEADROOM);
	excess = packet->frame_length - ETH_HLEN - packet->ip_length;
	if (excess && bpf_xdp_adjust_tail(ctx, -(int)excess))
		return lb_drop(REASON_VIP_UNFIT);
	data = (void *)(long)ctx->data;
	if (overhead ? !lb_encapsulate(data + ETH_HLEN, (void *)(long)ctx->data_end, packet, service, way, hash) :
		       !lb_decrement_ttl(data + ETH_HLEN, (void *)(long)ctx->data_end, packet->family))
		return lb_drop(REASON_VIP_UNFIT);
	if (data + ETH_HLEN > (void *)(long)ctx->data_end)
		return lb_drop(REASON_VIP_UNFIT);
	lb_write_ethernet(data, way, overhead ? way->flags & LB_BACKEND_IPV6 : packet->family == AF_INET6);
	packet->egress = way->ifindex;
	lb_count(packet, &service_number, &backend_number, begins);
	return verdict(out, REASON_BALANCED);
}

#endif
