/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Connections: how a packet names one, what becomes of its state, and how a connection begins, is confirmed, and ends.
 *
 * Which entry leads to which follows from the entries themselves: what packets of one direction become, read backwards,
 * is what packets of the other direction are.
 */
#ifndef HEADRACE_NAT_FLOW_H
#define HEADRACE_NAT_FLOW_H

#include "balance-pick.h"
#include "nat-maps.h"

#define NAT_TCP_FIN 0x01
#define NAT_TCP_SYN 0x02
#define NAT_TCP_RST 0x04
#define NAT_TCP_ACK 0x10
/* How far a client's first acknowledgment may be beyond the backend's first number: what a server may send unasked. */
#define NAT_FIRST_WINDOW (1 << 20)
/* After this many jiffies an entry is written to again: at most 0.64 s. */
#define NAT_TOUCH 64
#define NAT_PORT_TRIES 64
#define NAT_EEXIST 17

/* What of a TCP header matters here; zeros for UDP. */
struct nat_tcp {
	__u32 sequence;
	__u32 acknowledged;
	__u32 flags;
};

static __always_inline int nat_read_key(struct xdp_md *ctx, const struct packet *packet, struct nat_key *key,
					__u8 direction, struct nat_tcp *segment)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct tcphdr *tcp;

	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		lb_map_ipv4(key->source, ip->saddr);
		lb_map_ipv4(key->destination, ip->daddr);
		tcp = (const void *)(ip + 1);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		__builtin_memcpy(key->source, &ip->saddr, sizeof(key->source));
		__builtin_memcpy(key->destination, &ip->daddr, sizeof(key->destination));
		tcp = (const void *)(ip + 1);
	}
	key->source_port = packet->source_port;
	key->destination_port = packet->destination_port;
	*(__u32 *)&key->protocol = packet->protocol | (__u32)direction << 8;
	/* Behind options its flags are not where they are looked for, and it is dropped in any case. */
	if (packet->protocol == IPPROTO_TCP &&
	    packet->l4_offset == packet->l3_offset + (packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr))) {
		if ((const void *)(tcp + 1) > end)
			return 0;
		segment->sequence = bpf_ntohl(tcp->seq);
		segment->acknowledged = bpf_ntohl(tcp->ack_seq);
		segment->flags = ((const __u8 *)tcp)[13];
	}
	return 1;
}

/* What packets of the other direction look like, from what this direction's become. */
static __always_inline void nat_peer_of(struct nat_key *peer, const struct nat_flow *flow, __u8 protocol, __u8 direction)
{
	nat_copy(peer->source, flow->destination);
	nat_copy(peer->destination, flow->source);
	peer->source_port = flow->destination_port;
	peer->destination_port = flow->source_port;
	*(__u32 *)&peer->protocol = protocol | (__u32)(direction ^ 1) << 8;
}

static __always_inline void nat_decide(struct nat_change *to, const struct nat_flow *flow, __u32 kind)
{
	nat_copy(to->source, flow->source);
	nat_copy(to->destination, flow->destination);
	*(__u32 *)&to->source_port = *(const __u32 *)&flow->source_port;
	to->kind = kind;
}

/* Seconds of silence after which a connection in this state is over. */
static __always_inline __u32 nat_idle_of(const struct nat_flow *flow)
{
	__u32 state = flow->state, own = 0;
	const struct lb_service *service;
	const __u32 *idle;

	if (state == NAT_UDP_STREAM) {
		service = lb_service(flow->service);
		own = service ? service->idle : 0;
	}
	idle = bpf_map_lookup_elem(&nat_idle, &state);
	return own ?: idle ? *idle : 0;
}

/* Is the connection over, if a packet begins another just like it? A segment that is not a SYN never begins one while
 * its backend lives: better a connection too old than a broken one. */
static __always_inline int nat_is_over(const struct nat_flow *flow, __u8 protocol, __u32 tcp_flags)
{
	if (protocol == IPPROTO_TCP) {
		if ((tcp_flags & (NAT_TCP_SYN | NAT_TCP_ACK)) != NAT_TCP_SYN)
			return 0;
		if (flow->state == NAT_CLOSED || flow->state == NAT_RESET)
			return 1;
	}
	if ((__u32)bpf_jiffies64() - flow->touched <= NAT_TOUCH)
		return 0;
	return lb_age(bpf_ktime_get_coarse_ns(), flow->seen) > nat_idle_of(flow) * LB_SECOND;
}

static __always_inline void nat_touch(struct nat_flow *flow)
{
	flow->seen = bpf_ktime_get_coarse_ns();
	flow->touched = bpf_jiffies64();
}

static __always_inline void nat_closed_by(struct nat_flow *flow, __u8 side)
{
	__u8 flags = flow->flags | side;

	flow->flags = flags;
	flow->state = (flags & (NAT_CLIENT_CLOSED | NAT_BACKEND_CLOSED)) == (NAT_CLIENT_CLOSED | NAT_BACKEND_CLOSED) ?
			      NAT_CLOSED :
			      NAT_FIN;
}

/* After a packet of the client. Answers whether the connection is confirmed by it: both have spoken, and not blindly. */
static __always_inline int nat_follow_client(struct nat_flow *flow, __u8 protocol, const struct nat_tcp *tcp)
{
	__u32 state = flow->state;

	if (protocol != IPPROTO_TCP) {
		if (state != NAT_UDP || !(flow->flags & NAT_REPLIED))
			return 0;
		flow->state = NAT_UDP_STREAM;
		return 1;
	}
	if (tcp->flags & NAT_TCP_RST) {
		flow->state = NAT_RESET;
		return 0;
	}
	if (tcp->flags & NAT_TCP_FIN) {
		nat_closed_by(flow, NAT_CLIENT_CLOSED);
		return 0;
	}
	if (state == NAT_SYN_RECV) {
		if (!(tcp->flags & NAT_TCP_ACK) || tcp->acknowledged - (flow->sequence + 1) >= NAT_FIRST_WINDOW)
			return 0;
		flow->state = NAT_ESTABLISHED;
		return 1;
	}
	if (state == NAT_PICKED_UP && flow->flags & NAT_REPLIED) {
		flow->state = NAT_ESTABLISHED;
		return 1;
	}
	return 0;
}

/* After a packet of the backend. It knows what the connection is: a reset that somebody made up does not last. */
static __always_inline void nat_follow_backend(struct nat_flow *flow, __u8 protocol, const struct nat_tcp *tcp)
{
	if (!(flow->flags & NAT_REPLIED))
		flow->flags |= NAT_REPLIED;
	if (protocol != IPPROTO_TCP)
		return;
	if (tcp->flags & NAT_TCP_RST) {
		flow->state = NAT_RESET;
	} else if (tcp->flags & NAT_TCP_FIN) {
		nat_closed_by(flow, NAT_BACKEND_CLOSED);
	} else if (tcp->flags & NAT_TCP_SYN) {
		if (flow->state == NAT_SYN_SENT || flow->state == NAT_SYN_RECV) {
			flow->sequence = tcp->sequence;
			flow->state = NAT_SYN_RECV;
		}
	} else if (flow->state == NAT_RESET) {
		flow->state = flow->flags & (NAT_CLIENT_CLOSED | NAT_BACKEND_CLOSED) ? NAT_FIN : NAT_ESTABLISHED;
	}
}

/* Forgets a connection, by the client's entry at scratch->key. */
static __always_inline void nat_forget(struct nat_scratch *scratch, const struct nat_flow *flow)
{
	nat_peer_of(&scratch->peer, flow, scratch->key.protocol, NAT_FORWARD);
	bpf_map_delete_elem(&nat_flows, &scratch->peer);
	bpf_map_delete_elem(&nat_opening, &scratch->peer);
	bpf_map_delete_elem(&nat_flows, &scratch->key);
	bpf_map_delete_elem(&nat_opening, &scratch->key);
}

/* Is this backend's entry ours: does it lead to the client's entry at scratch->key? */
static __always_inline int nat_leads_here(const struct nat_flow *back, const struct nat_key *key)
{
	return back->destination_port == key->source_port && back->source_port == key->destination_port &&
	       nat_same(back->destination, key->source) && nat_same(back->source, key->destination);
}

/* Moves a connection that is confirmed to where nothing pushes it out. The client's entry is at scratch->key, in
 * nat_opening. The backend's goes first, so that a connection is never there by half. */
__noinline int nat_establish(void)
{
	struct nat_scratch *scratch;
	const struct nat_flow *found;
	long result;

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!scratch)
		return 0;
	found = bpf_map_lookup_elem(&nat_opening, &scratch->key);
	if (!found)
		return 0;
	scratch->fresh = *found;
	nat_peer_of(&scratch->peer, found, scratch->key.protocol, NAT_FORWARD);
	scratch->back = scratch->fresh;
	nat_copy(scratch->back.source, scratch->key.destination);
	nat_copy(scratch->back.destination, scratch->key.source);
	scratch->back.source_port = scratch->key.destination_port;
	scratch->back.destination_port = scratch->key.source_port;
	scratch->back.flags |= NAT_REPLIED;
	result = bpf_map_update_elem(&nat_flows, &scratch->peer, &scratch->back, BPF_NOEXIST);
	if (result == -NAT_EEXIST) {
		found = bpf_map_lookup_elem(&nat_flows, &scratch->peer);
		if (found && nat_leads_here(found, &scratch->key)) /* another CPU was faster */
			result = 0;
	}
	if (result)
		goto full;
	result = bpf_map_update_elem(&nat_flows, &scratch->key, &scratch->fresh, BPF_NOEXIST);
	if (result && result != -NAT_EEXIST) {
		bpf_map_delete_elem(&nat_flows, &scratch->peer);
		goto full;
	}
	bpf_map_delete_elem(&nat_opening, &scratch->key);
	bpf_map_delete_elem(&nat_opening, &scratch->peer);
	nat_event(NAT_EVENT_ESTABLISHED);
	return 1;
full:
	nat_event(NAT_EVENT_REFUSED_FULL);
	return 0;
}

#endif
