/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Third stage: a packet of a service goes to one of its backends. It stands before routing because the kernel owns no
 * VIP and would route such a packet on.
 *
 *   which flow, which service   balance-lookup.h
 *   which backend               balance-pick.h
 *   how it gets there           balance-forward.h
 *   errors, echo, refusals      balance-answer.h
 *
 * A packet for a VIP leaves this stage with a verdict: sent, answered, dropped with a reason, or the kernel's only when
 * the backend is this host.
 */
#ifndef HEADRACE_BALANCE_H
#define HEADRACE_BALANCE_H

#include "balance-forward.h"
#include "packet.h"

/* Off until the first service: the control plane loads the program again with it. */
const volatile _Bool feature_balance = 0;

#define LB_TCP_FLAGS 13 /* offset in the header */
#define LB_TCP_FIN 0x01
#define LB_TCP_SYN 0x02
#define LB_TCP_RST 0x04
#define LB_TCP_ACK 0x10

/* The packet's flow, all but the source. 0: its headers are not there. */
static __always_inline int lb_read_destination(struct xdp_md *ctx, const struct packet *packet, struct lb_flow_key *flow)
{
	const void *end = (void *)(long)ctx->data_end;

	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		lb_map_ipv4(flow->destination, ip->daddr);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		__builtin_memcpy(flow->destination, &ip->daddr, sizeof(ip->daddr));
	}
	return 1;
}

static __always_inline void lb_read_rest(struct xdp_md *ctx, const struct packet *packet, struct lb_flow_key *flow,
					 struct lb_choice *choice)
{
	const void *end = (void *)(long)ctx->data_end;
	const __u8 *l4;

	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return;
		lb_map_ipv4(flow->source, ip->saddr);
		l4 = (const void *)(ip + 1);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return;
		__builtin_memcpy(flow->source, &ip->saddr, sizeof(ip->saddr));
		l4 = (const void *)(ip + 1);
	}
	flow->source_port = packet->source_port;
	flow->destination_port = packet->destination_port;
	flow->protocol = packet->protocol;
	if (packet->protocol == IPPROTO_TCP && !packet->fragment && (const void *)(l4 + LB_TCP_FLAGS + 1) <= end) {
		__u8 flags = l4[LB_TCP_FLAGS];

		choice->syn = (flags & (LB_TCP_SYN | LB_TCP_ACK | LB_TCP_RST | LB_TCP_FIN)) == LB_TCP_SYN;
		choice->closing = !!(flags & (LB_TCP_FIN | LB_TCP_RST));
	}
}

/* Who takes a packet whose destination may be a VIP. NEXT: it is none. LB_FORWARD: `target` says it. */
#define LB_FORWARD 1

__noinline int lb_choose(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	struct lb_flow_key flow __attribute__((aligned(8))) = {};
	struct lb_choice choice = {};
	const struct lb_service *service;
	struct lb_match match = {};
	int filtered;
	__u64 where;

	if (!packet || !target || !lb_read_destination(ctx, packet, &flow))
		return NEXT;
	where = lb_where(flow.destination);
	filtered = lb_filter_has(where);
	if (filtered)
		match.service = lb_find((const void *)flow.destination, where,
					lb_rest(packet->destination_port, packet->protocol, 0));
	lb_read_rest(ctx, packet, &flow, &choice);
	if (!match.service) {
		match.vip = lb_find_vip(flow.destination, where, filtered);
		if (!match.vip)
			return NEXT;
		lb_match_wider(&match, &flow);
	}
	service = lb_service(match.service);
	if (!match.service || !service)
		return lb_drop(REASON_NO_SERVICE);
	choice.service = match.service;
	target->service = match.service;
	target->begins = choice.syn;
	target->hash = lb_flow_hash(&flow, service);
	target->backend = lb_pick(&flow, service, &choice, target->hash);
	return LB_FORWARD;
}

/* Could the destination be a VIP? Most packets end here, so nothing is written to the stack for them. */
static __always_inline int lb_maybe_vip(struct xdp_md *ctx, const struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct lb_settings *now;
	__u32 zero = 0;
	__u64 where;

	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = ((__u64)ip->daddr << 32 | bpf_htonl(0xffff)) * LB_HASH(B);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = lb_where(ip->daddr.s6_addr32);
	}
	if (lb_filter_has(where))
		return 1;
	now = bpf_map_lookup_elem(&lb_settings, &zero);
	return now && now->prefixes;
}

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet)
{
	struct lb_target target = {};
	int answer;

	if (!feature_balance || !lb_maybe_vip(ctx, packet))
		return NEXT;
	answer = lb_choose(ctx, packet, &target);
	if (answer == LB_FORWARD)
		answer = lb_forward(ctx, packet, &target);
	if (answer & LB_TOO_BIG)
		return lb_drop(REASON_VIP_TOO_BIG);
	return answer;
}

#endif
