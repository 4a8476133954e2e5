/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Third stage: a packet of a service goes to one of its backends. It stands before routing because the kernel owns no
 * VIP and would route such a packet on.
 *
 *   which flow, which service   balance-lookup.h
 *   which backend               balance-pick.h
 *   how it gets there           balance-forward.h
 *   all that for most packets   balance-straight.h
 *   errors, fragments, QUIC     balance-special.h
 *   segment size of a SYN       balance-clamp.h
 *   what we answer ourselves    balance-answer.h
 *   translated connections      nat.h
 *
 * A packet for a VIP leaves this stage with a verdict: sent, answered, dropped with a reason, or the kernel's only when
 * the backend is this host.
 */
#ifndef HEADRACE_BALANCE_H
#define HEADRACE_BALANCE_H

#include "balance-answer.h"
#include "balance-finished.h"
#include "balance-forward.h"
#include "balance-special.h"
#include "balance-straight.h"
#include "nat.h"
#include "packet.h"

/* Off until the first service: the control plane loads the program again with it. */
const volatile _Bool feature_balance = 0;

/* After its first fragment, the others of a packet are waited for this long: no longer than a host does (RFC 8200 4.5). */
#define LB_FRAGMENT_SECONDS 60

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

/* What parse has against the packet, once it is known to be for a VIP. The kernel would route it on, so most of it is
 * the end of the packet. */
static __always_inline int lb_objection(const struct packet *packet, struct lb_target *target, __u32 vip_flags)
{
	switch (packet->why_not) {
	case REASON_FORWARDED: /* none */
	case REASON_NETFILTER: /* rules for what the kernel forwards: it would not forward this */
	case REASON_TAGS_HIDDEN:
		return NEXT;
	case REASON_ENSLAVED: /* it never reaches IP here */
		return pass(REASON_ENSLAVED);
	case REASON_TTL_EXPIRED:
		return lb_refuse(target, REASON_VIP_TTL,
				 vip_flags & LB_SERVICE_TTL_ERROR ? LB_REFUSAL_ICMP : LB_REFUSAL_DROP);
	default:
		return lb_drop(REASON_VIP_UNFIT);
	}
}

/* ICMP for a VIP: answers NEXT when it is about a flow, which is in `flow` then. */
static __always_inline int lb_icmp(struct xdp_md *ctx, const struct packet *packet, const struct lb_service *vip,
				   struct lb_flow_key *flow, struct lb_choice *choice, struct lb_target *target)
{
	switch (lb_read_icmp(ctx, packet, flow)) {
	case LB_ICMP_ERROR:
		choice->read_only = 1;
		return NEXT;
	case LB_ICMP_ECHO:
		return lb_refuse(target, REASON_VIP_ECHO, vip->flags & LB_SERVICE_ECHO ? LB_REFUSAL_ECHO : LB_REFUSAL_DROP);
	case LB_ICMP_NEIGHBOR:
		return pass(REASON_LOCAL);
	default:
		return lb_drop(REASON_VIP_ICMP);
	}
}

/* Remembers where the first fragment of a packet went. */
static __always_inline void lb_note_fragment(const struct lb_fragment_key *key, const struct lb_target *target)
{
	struct lb_fragment entry = {
		.seen = bpf_ktime_get_coarse_ns(),
		.service = target->service,
		.backend = target->backend,
	};

	bpf_map_update_elem(&lb_fragments, key, &entry, BPF_ANY);
}

/* The backend for a flow, into `target`. */
__noinline int lb_choose_for(struct xdp_md *ctx, const struct packet *packet, struct lb_flow_key *flow,
			     struct lb_choice *choice, struct lb_target *target)
{
	const struct lb_service *service;
	__u32 backend = 0;

	if (!packet || !flow || !choice || !target)
		return lb_drop(REASON_VIP_UNFIT);
	service = lb_service(choice->service);
	if (!service)
		return lb_drop(REASON_VIP_UNFIT);
	target->service = choice->service;
	target->begins = choice->syn;
	/* Fragments have no ports: a service that takes them knows its flows without. Such a flow is all that a client has
	 * there, so no packet says that it begins or ends. */
	if (service->fragments == LB_FRAGMENTS_HASH3) {
		flow->source_port = flow->destination_port = 0;
		choice->syn = choice->closing = 0;
	}
	target->hash = lb_flow_hash(flow, service);
	if (service->udp == LB_UDP_QUIC && flow->protocol == IPPROTO_UDP && !choice->read_only)
		backend = lb_quic(ctx, packet, choice->service);
	target->backend = backend ?: lb_pick(flow, service, choice, target->hash);
	target->begins |= choice->syn;
	return LB_FORWARD;
}

/* The same as lb_choose for fragments. */
__noinline int lb_choose_fragment(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	const struct lb_fragment *first;
	const struct lb_service *vip;
	struct lb_match match = {};
	struct lb_scratch *scratch = lb_my_scratch();
	struct lb_fragment_key *key;
	struct lb_flow_key *flow;
	struct lb_choice choice = {};
	__u32 tcp, udp;
	int answer, kind;
	__u64 where;

	if (!packet || !target || !scratch)
		return NEXT;
	flow = &scratch->key;
	__builtin_memset(flow, 0, sizeof(*flow));
	if (!lb_read_destination(ctx, packet, flow))
		return NEXT;
	lb_read_rest(ctx, packet, flow, &choice);
	where = lb_where(flow->destination);
	match.vip = lb_find_vip(flow->destination, where, lb_filter_has(lb_my_tables(), where));
	vip = lb_service(match.vip);
	if (!match.vip || !vip)
		return NEXT;
	answer = lb_objection(packet, target, vip->flags);
	if (answer)
		return answer;
	key = &scratch->fragment;
	kind = lb_read_fragment(ctx, packet, flow, key);
	if (kind == LB_FRAGMENT_FIRST) { /* it has ports, and goes where its service says or nowhere */
		match.service = lb_find((const void *)vip->address, lb_where(vip->address),
					lb_rest(flow->destination_port, flow->protocol, vip->prefix));
		if (!match.service)
			lb_match_wider(&match, flow);
		vip = lb_service(match.service);
		if (!match.service || !vip || vip->fragments == LB_FRAGMENTS_DROP)
			return lb_drop(REASON_VIP_FRAGMENT);
		choice.service = match.service;
		answer = lb_choose_for(ctx, packet, flow, &choice, target);
		if (answer == LB_FORWARD && vip->fragments == LB_FRAGMENTS_TRACK)
			lb_note_fragment(key, target);
		return answer;
	}
	if (kind != LB_FRAGMENT_LATER)
		return lb_drop(REASON_VIP_FRAGMENT);
	if (vip->fragments == LB_FRAGMENTS_TRACK) {
		first = bpf_map_lookup_elem(&lb_fragments, key);
		if (first && lb_age(bpf_ktime_get_coarse_ns(), first->seen) <= LB_FRAGMENT_SECONDS * LB_SECOND) {
			lb_event(LB_EVENT_FRAGMENT_FOUND);
			target->service = first->service;
			target->backend = first->backend;
			target->hash = key->id;
			return LB_FORWARD;
		}
	}
	/* Both read first: choosing the address instead takes CAP_PERFMON. */
	tcp = LB_READ_ONCE(vip->fragment_tcp);
	udp = LB_READ_ONCE(vip->fragment_udp);
	choice.service = packet->protocol == IPPROTO_TCP ? tcp : packet->protocol == IPPROTO_UDP ? udp : 0;
	if (!choice.service && vip->fragments == LB_FRAGMENTS_HASH3) /* the VIP itself is such a service */
		choice.service = match.vip;
	return choice.service ? lb_choose_for(ctx, packet, flow, &choice, target) : lb_drop(REASON_VIP_FRAGMENT);
}

/* Who takes a packet whose destination may be a VIP. NEXT: it is none. */
__noinline int lb_choose(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	struct lb_scratch *scratch = lb_my_scratch();
	const struct lb_service *vip = NULL;
	struct lb_choice choice = {};
	struct lb_match match = {};
	int filtered, answer, plain;
	struct lb_flow_key *flow;
	__u64 where;

	if (!packet || !target || !scratch)
		return NEXT;
	flow = &scratch->key;
	__builtin_memset(flow, 0, sizeof(*flow));
	if (!lb_read_destination(ctx, packet, flow))
		return NEXT;
	where = lb_where(flow->destination);
	filtered = lb_filter_has(lb_my_tables(), where);
	plain = !packet->why_not && packet->protocol != IPPROTO_ICMP &&
		packet->protocol != IPPROTO_ICMPV6;
	lb_read_rest(ctx, packet, flow, &choice);
	if (filtered && plain)
		match.service = lb_find((const void *)flow->destination, where, lb_rest(flow->destination_port, flow->protocol, 0));
	if (!match.service) {
		match.vip = lb_find_vip(flow->destination, where, filtered);
		vip = lb_service(match.vip);
		if (!match.vip || !vip)
			return NEXT;
		/* Neighbors ask for an address on their link from their link-local one, which goes no further. */
		if (packet->why_not == REASON_MARTIAN_SOURCE && packet->protocol == IPPROTO_ICMPV6 &&
		    lb_read_icmp(ctx, packet, flow) == LB_ICMP_NEIGHBOR)
			return pass(REASON_LOCAL);
		answer = lb_objection(packet, target, vip->flags);
		if (answer)
			return answer;
		if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6) {
			answer = lb_icmp(ctx, packet, vip, flow, &choice, target);
			if (answer)
				return answer;
		}
		if (!plain && !vip->prefix)
			match.service = lb_find((const void *)flow->destination, where,
						lb_rest(flow->destination_port, flow->protocol, 0));
		if (!match.service)
			lb_match_wider(&match, flow);
		if (!match.service)
			return choice.read_only ? lb_drop(REASON_VIP_ICMP) :
						  lb_refuse(target, REASON_NO_SERVICE, vip->no_service);
	}
	choice.service = match.service;
	return lb_choose_for(ctx, packet, flow, &choice, target);
}

/* The connection of a packet whose service translates decides about its backend. */
static __always_inline int lb_translate(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	const struct lb_service *service = lb_service(target->service);

	if (!service || service->mode != LB_MODE_NAT)
		return LB_FORWARD;
	return nat_forward(ctx, packet, target);
}

/* Could the destination be a VIP? Most packets end here. */
static __always_inline int lb_maybe_vip(struct xdp_md *ctx, const struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	__u64 where;

	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = lb_mapped(ip->daddr) * LB_HASH(B);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = lb_where(ip->daddr.s6_addr32);
	}
	return lb_maybe_address(lb_my_tables(), where);
}

/* The long way, which any packet may take. */
__noinline int lb_balance(struct xdp_md *ctx, struct packet *packet)
{
	struct lb_target target = {};
	int answer = NEXT, vip;

	if (!packet)
		return NEXT;
	vip = lb_maybe_vip(ctx, packet);
	if (packet->why_not == REASON_UNFINISHED_CHECKSUM &&
	    (vip || (feature_nat && nat_maybe_reply(ctx, packet))) && lb_checksum_right(ctx, packet))
		packet->why_not = REASON_FORWARDED;
	if (vip)
		answer = packet->fragment ? lb_choose_fragment(ctx, packet, &target) : lb_choose(ctx, packet, &target);
	if (feature_nat && answer == NEXT && nat_maybe_reply(ctx, packet))
		answer = nat_reply(ctx, packet, &target);
	if (feature_nat && answer == LB_FORWARD)
		answer = lb_translate(ctx, packet, &target);
	if (answer == LB_FORWARD) {
		answer = lb_forward(ctx, packet, &target);
		packet->egress = target.egress;
	}
	if (answer == LB_REFUSE) {
		answer = lb_answer(ctx, packet, &target);
		packet->egress = packet->ingress;
	}
	return answer;
}

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet)
{
	/* The tables are always there. Asking for them here, where there are none while the feature is off, keeps the
	 * verifier from following what is only speculated into functions that need them. */
	if (!feature_balance || !lb_my_tables())
		return NEXT;
	return lb_balance(ctx, packet);
}

#endif
