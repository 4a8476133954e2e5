/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A client's packet of a service in mode nat: the connection it belongs to has the last word about its backend. The ring
 * chose one already, which counts for connections that begin.
 *
 * A TCP segment of a connection that nobody remembers begins one too: a box that takes over from another, with the same
 * ring, sends it where it always went. It stays unconfirmed until its backend answers it.
 */
#ifndef HEADRACE_NAT_TRACK_H
#define HEADRACE_NAT_TRACK_H

#include "nat-begin.h"

static __always_inline int nat_begin_for(const struct packet *packet, struct lb_target *target, __u32 tcp_flags)
{
	if (packet->protocol == IPPROTO_UDP)
		return nat_begin(packet, target, NAT_UDP);
	if (tcp_flags & NAT_TCP_RST) /* nothing to end */
		return lb_drop(REASON_NAT_NO_FLOW);
	if ((tcp_flags & (NAT_TCP_SYN | NAT_TCP_ACK)) == NAT_TCP_SYN)
		return nat_begin(packet, target, NAT_SYN_SENT);
	return nat_begin(packet, target, NAT_PICKED_UP);
}

/* The connection of the packet whose key is in the scratch: decides what it becomes, and target->backend. */
__noinline int nat_track_key(const struct packet *packet, struct lb_target *target, const struct nat_tcp *tcp)
{
	struct nat_scratch *scratch;
	struct nat_flow *flow;
	__u32 opening = 0, over;

	if (!feature_nat)
		return lb_drop(REASON_VIP_UNFIT);
	scratch = nat_my_scratch();
	if (!packet || !target || !tcp || !scratch)
		return lb_drop(REASON_VIP_UNFIT);
	flow = bpf_map_lookup_elem(&nat_flows, &scratch->key);
	if (!flow) {
		flow = bpf_map_lookup_elem(&nat_opening, &scratch->key);
		opening = 1;
	}
	if (!flow)
		return nat_begin_for(packet, target, tcp->flags);
	over = nat_is_over(flow, packet->protocol, tcp->flags);
	/* The LRU may have pushed out one half: without the other no answer would be known as one. */
	if (opening && !(flow->flags & NAT_REPLIED) && !over) {
		nat_peer_of(&scratch->peer, flow, packet->protocol, NAT_FORWARD);
		over = !bpf_map_lookup_elem(&nat_opening, &scratch->peer);
	}
	if (!over && !lb_alive(flow->backend)) {
		nat_event(NAT_EVENT_GIVEN_UP);
		over = 1;
	}
	if (over) {
		nat_forget(scratch, flow);
		return nat_begin_for(packet, target, tcp->flags);
	}
	if ((__u32)bpf_jiffies64() - flow->touched > NAT_TOUCH)
		nat_touch(flow);
	target->backend = flow->backend;
	nat_decide(&scratch->to, flow, NAT_CHANGE_FLOW);
	/* What is confirmed but found no room tries again, now and then. */
	if (nat_follow_client(flow, packet->protocol, tcp) ||
	    (opening && (flow->state == NAT_ESTABLISHED || flow->state == NAT_UDP_STREAM)))
		nat_establish();
	return LB_FORWARD;
}

/* Finds or begins the connection of a client's packet. LB_FORWARD: to target->backend, as scratch->to says. */
__noinline int nat_track(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	struct nat_scratch *scratch;
	struct nat_tcp tcp = {};

	if (!feature_nat)
		return lb_drop(REASON_VIP_UNFIT);
	scratch = nat_my_scratch();
	if (!packet || !target || !scratch)
		return lb_drop(REASON_VIP_UNFIT);
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return lb_drop(REASON_VIP_UNFIT);
	if (!nat_read_key(ctx, packet, &scratch->key, NAT_FORWARD, &tcp))
		return lb_drop(REASON_VIP_UNFIT);
	return nat_track_key(packet, target, &tcp);
}

#endif
