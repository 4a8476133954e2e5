/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that are not simply of a connection: errors about one, and fragments. What they become is decided here; it is
 * written by nat_write(), like everything else.
 */
#ifndef HEADRACE_NAT_SPECIAL_H
#define HEADRACE_NAT_SPECIAL_H

#include "balance-special.h"
#include "nat-track.h"

#define NAT_FRAGMENT_SECONDS 60 /* as long as a host waits for the rest (RFC 8200 4.5) */

/*
 * An error quotes a packet as its last hop had it, which is as we sent it on. It goes to whoever sent that packet, so it
 * belongs to the direction opposite to the quoted one. Answers whether there is such a connection; scratch->to says what
 * the error becomes then.
 */
__noinline int nat_find_error(struct xdp_md *ctx, const struct packet *packet, __u32 direction)
{
	struct nat_scratch *scratch;
	const struct nat_flow *flow;
	struct nat_key *key;
	__u32 at, header, quoted;
	__be16 ports[2];
	__u8 type, protocol;

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!packet || !scratch || packet->fragment || !packet->l4_offset)
		return 0;
	key = &scratch->key;
	if (bpf_xdp_load_bytes(ctx, packet->l4_offset, &type, sizeof(type)))
		return 0;
	at = packet->l4_offset + 8;
	quoted = at - packet->l3_offset;
	if (packet->family == AF_INET) {
		struct iphdr ip;

		if ((type != 3 && type != 11 && type != 12) || bpf_xdp_load_bytes(ctx, at, &ip, sizeof(ip)) ||
		    ip.version != 4 || ip.ihl < 5 || ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return 0;
		header = ip.ihl * 4;
		protocol = ip.protocol;
		lb_map_ipv4(key->source, ip.daddr);
		lb_map_ipv4(key->destination, ip.saddr);
	} else {
		struct ipv6hdr ip;

		if (type < 1 || type > 4 || bpf_xdp_load_bytes(ctx, at, &ip, sizeof(ip)) || ip.version != 6)
			return 0;
		header = sizeof(ip);
		protocol = ip.nexthdr;
		__builtin_memcpy(key->source, &ip.daddr, sizeof(ip.daddr));
		__builtin_memcpy(key->destination, &ip.saddr, sizeof(ip.saddr));
	}
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 0;
	if (direction == NAT_REPLY && !nat_filter_has(lb_where(key->source)))
		return 0;
	if (bpf_xdp_load_bytes(ctx, at + header, ports, sizeof(ports)))
		return 0;
	key->source_port = ports[1];
	key->destination_port = ports[0];
	*(__u32 *)&key->protocol = protocol | direction << 8;
	flow = bpf_map_lookup_elem(&nat_flows, key);
	if (!flow)
		flow = bpf_map_lookup_elem(&nat_opening, key);
	if (!flow)
		return 0;
	nat_decide(&scratch->to, flow, NAT_CHANGE_ERROR);
	scratch->to.quoted = quoted;
	scratch->to.transport = quoted + header;
	scratch->to.protocol = protocol;
	/* A router behind the VIP is not the client's business, nor always one that it could hear. */
	scratch->to.outer_source = direction == NAT_REPLY || flow->flags & NAT_SOURCE_CHANGED;
	return flow->backend ?: 1;
}

/* An error from the client's side, about what its backend sent. */
static __always_inline int nat_forward_error(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	__u32 backend = nat_find_error(ctx, packet, NAT_FORWARD);

	if (!backend)
		return lb_drop(REASON_VIP_ICMP);
	target->backend = backend;
	return LB_FORWARD;
}

/* Remembers what the fragments of the packet whose first one is `packet` become. */
static __always_inline void nat_note_fragment(struct nat_scratch *scratch, const struct lb_fragment_key *key,
					      __u32 service, __u32 backend)
{
	scratch->fragment.seen = bpf_ktime_get_coarse_ns();
	scratch->fragment.service = service;
	scratch->fragment.backend = backend;
	nat_copy(scratch->fragment.source, scratch->to.source);
	nat_copy(scratch->fragment.destination, scratch->to.destination);
	bpf_map_update_elem(&nat_fragments, key, &scratch->fragment, BPF_ANY);
}

/* A later fragment: what the first became. 0: that is not known; else the backend's number. */
static __always_inline __u32 nat_later_fragment(struct nat_scratch *scratch, const struct lb_fragment_key *key)
{
	const struct nat_fragment *first = bpf_map_lookup_elem(&nat_fragments, key);

	if (!first || lb_age(bpf_ktime_get_coarse_ns(), first->seen) > NAT_FRAGMENT_SECONDS * LB_SECOND)
		return 0;
	nat_copy(scratch->to.source, first->source);
	nat_copy(scratch->to.destination, first->destination);
	scratch->to.kind = NAT_CHANGE_ADDRESSES;
	return first->backend;
}

/*
 * A packet of no connection, whose key is in the scratch: the reason to drop it, or NEXT. This host talks to backends
 * too, to see whether they are well, and what is for itself the kernel gets.
 */
__noinline int nat_stray(struct xdp_md *ctx, const struct packet *packet)
{
	struct nat_source_key from = {};
	const struct nat_settings *settings;
	struct nat_scratch *scratch;
	struct bpf_fib_lookup *fib;
	__u32 zero = 0;

	if (!feature_nat)
		return NEXT;
	scratch = nat_my_scratch();
	settings = bpf_map_lookup_elem(&nat_settings, &zero);
	if (!packet || !scratch || !settings)
		return NEXT;
	nat_copy(from.address, scratch->key.source);
	from.port = scratch->key.source_port;
	from.protocol = scratch->key.protocol;
	if (!bpf_map_lookup_elem(&nat_sources, &from) || settings->route_strays)
		return NEXT;
	fib = (void *)scratch->lookup;
	__builtin_memset(scratch->lookup, 0, sizeof(scratch->lookup));
	fib->family = packet->family;
	fib->l4_protocol = packet->protocol;
	fib->ifindex = packet->ingress;
	if (packet->family == AF_INET) {
		fib->ipv4_src = scratch->key.source[3];
		fib->ipv4_dst = scratch->key.destination[3];
	} else {
		__builtin_memcpy(fib->ipv6_src, scratch->key.source, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, scratch->key.destination, sizeof(fib->ipv6_dst));
	}
	if (bpf_fib_lookup(ctx, fib, sizeof(scratch->lookup), 0) == BPF_FIB_LKUP_RET_NOT_FWDED)
		return NEXT;
	return lb_drop(REASON_NAT_NO_FLOW);
}

/* What a fragment's packet is: LB_FRAGMENT_FIRST has put its ports into the key in the scratch. */
static __always_inline int nat_read_fragment(struct xdp_md *ctx, const struct packet *packet, struct nat_scratch *scratch,
					     struct lb_fragment_key *key)
{
	struct lb_flow_key flow __attribute__((aligned(8))) = {};
	int kind;

	nat_copy(flow.source, scratch->key.source);
	nat_copy(flow.destination, scratch->key.destination);
	kind = lb_read_fragment(ctx, packet, &flow, key);
	scratch->key.source_port = flow.source_port;
	scratch->key.destination_port = flow.destination_port;
	return kind;
}

/* Fragments have their ports in the first, which says what becomes of the others. */
static __always_inline void nat_decide_fragment(const struct packet *packet, struct nat_scratch *scratch)
{
	scratch->to.kind = NAT_CHANGE_FIRST;
	scratch->to.transport = packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr) + 8;
}

/* A client's fragment. */
__noinline int nat_track_fragment(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	struct nat_scratch *scratch;
	struct lb_scratch *room;
	struct nat_tcp tcp = {.flags = NAT_TCP_ACK};
	__u32 backend;
	int answer;

	if (!feature_nat)
		return lb_drop(REASON_VIP_FRAGMENT);
	scratch = nat_my_scratch();
	room = lb_my_scratch();
	if (!packet || !target || !scratch || !room)
		return lb_drop(REASON_VIP_FRAGMENT);
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return lb_drop(REASON_VIP_UNFIT);
	if (!nat_read_key(ctx, packet, &scratch->key, NAT_FORWARD, &tcp))
		return lb_drop(REASON_VIP_FRAGMENT);
	switch (nat_read_fragment(ctx, packet, scratch, &room->fragment)) {
	case LB_FRAGMENT_LATER:
		backend = nat_later_fragment(scratch, &room->fragment);
		if (!backend)
			return lb_drop(REASON_VIP_FRAGMENT);
		target->backend = backend;
		return LB_FORWARD;
	case LB_FRAGMENT_FIRST:
		answer = nat_track_key(packet, target, &tcp);
		if (answer != LB_FORWARD)
			return answer;
		nat_note_fragment(scratch, &room->fragment, target->service, target->backend);
		nat_decide_fragment(packet, scratch);
		return LB_FORWARD;
	default:
		return lb_drop(REASON_VIP_FRAGMENT);
	}
}

/* A fragment that may be a backend's, its addresses in the scratch: NEXT when it is none of a connection's. */
__noinline int nat_find_fragment(struct xdp_md *ctx, const struct packet *packet)
{
	struct nat_scratch *scratch;
	struct lb_scratch *room;
	const struct lb_service *service;
	const struct nat_flow *back;

	if (!feature_nat)
		return NEXT;
	scratch = nat_my_scratch();
	room = lb_my_scratch();
	if (!packet || !scratch || !room)
		return NEXT;
	switch (nat_read_fragment(ctx, packet, scratch, &room->fragment)) {
	case LB_FRAGMENT_LATER:
		return nat_later_fragment(scratch, &room->fragment) ? LB_FORWARD : NEXT;
	case LB_FRAGMENT_FIRST:
		break;
	default:
		return NEXT;
	}
	back = bpf_map_lookup_elem(&nat_flows, &scratch->key);
	if (!back)
		back = bpf_map_lookup_elem(&nat_opening, &scratch->key);
	if (!back)
		return nat_stray(ctx, packet);
	service = lb_service(back->service);
	if (!service || service->fragments == LB_FRAGMENTS_DROP)
		return lb_drop(REASON_VIP_FRAGMENT);
	nat_decide(&scratch->to, back, NAT_CHANGE_FLOW);
	nat_note_fragment(scratch, &room->fragment, back->service, back->backend);
	nat_decide_fragment(packet, scratch);
	return LB_FORWARD;
}

#endif
