/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What comes back: a backend's packet of a connection gets the VIP for its source, and is routed on to the client.
 *
 * The kernel knows no such connection, and would route the packet on as it is, to a client that never heard of its
 * source. So a packet from where a service's backend serves that belongs to no connection is dropped and counted, unless
 * the operator says otherwise. What else a backend's machine sends is routed as anybody's.
 *
 * The kernel's FIB is asked about the packet as it will be. Where the fast path cannot send it (no neighbor yet, an
 * egress that is not able), the kernel gets it so changed, which is a packet that it may route.
 */
#ifndef HEADRACE_NAT_REPLY_H
#define HEADRACE_NAT_REPLY_H

#include "balance-clamp.h"
#include "nat-flow.h"
#include "nat-special.h"
#include "nat-write.h"
#include "route.h"
#include "transmit.h"

/* Could the packet's source be a backend? Errors about a connection come from anywhere. */
static __always_inline int nat_maybe_reply(struct xdp_md *ctx, const struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	__u64 where;

	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		return 1;
	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = ((__u64)ip->saddr << 32 | bpf_htonl(0xffff)) * LB_HASH(B);
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		where = lb_where(ip->saddr.s6_addr32);
	}
	return nat_filter_has(where);
}

/* The client's entry learns of a packet of the backend, whose own entry is `back`. */
static __always_inline void nat_tell_client(struct nat_scratch *scratch, const struct nat_flow *back,
					    const struct packet *packet, const struct nat_tcp *tcp)
{
	struct nat_flow *flow;

	nat_peer_of(&scratch->peer, back, packet->protocol, NAT_REPLY);
	flow = bpf_map_lookup_elem(&nat_flows, &scratch->peer);
	if (!flow)
		flow = bpf_map_lookup_elem(&nat_opening, &scratch->peer);
	if (!flow)
		return;
	nat_touch(flow);
	nat_follow_backend(flow, packet->protocol, tcp);
}

/* Lowers the segment size that a backend allows its client: what it limits comes by here too. Of a checksum that is not
 * finished the option is no part yet, and it is left alone. */
static __always_inline void nat_clamp(struct xdp_md *ctx, const struct packet *packet, __u32 number)
{
	const struct lb_service *service = lb_service(number);

	if (service && service->mss && packet->why_not != REASON_UNFINISHED_CHECKSUM)
		lb_clamp(ctx, packet, service->mss);
}

/* The connection that a backend's packet belongs to: LB_FORWARD when it was found, and what the packet becomes. */
__noinline int nat_find_reply(struct xdp_md *ctx, const struct packet *packet)
{
	struct nat_scratch *scratch;
	struct nat_tcp tcp = {};
	struct nat_flow *back;

	if (!feature_nat)
		return NEXT;
	scratch = nat_my_scratch();
	if (!packet || !scratch)
		return NEXT;
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		return nat_find_error(ctx, packet, NAT_REPLY) ? LB_FORWARD : NEXT;
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return NEXT;
	if (!nat_read_key(ctx, packet, &scratch->key, NAT_REPLY, &tcp))
		return NEXT;
	if (packet->fragment)
		return nat_find_fragment(ctx, packet);
	back = bpf_map_lookup_elem(&nat_flows, &scratch->key);
	if (!back)
		back = bpf_map_lookup_elem(&nat_opening, &scratch->key);
	if (!back)
		return nat_stray(ctx, packet);
	if ((__u32)bpf_jiffies64() - back->touched > NAT_TOUCH || !(back->flags & NAT_REPLIED) ||
	    tcp.flags & (NAT_TCP_SYN | NAT_TCP_FIN | NAT_TCP_RST)) {
		nat_touch(back);
		back->flags |= NAT_REPLIED;
		nat_tell_client(scratch, back, packet, &tcp);
	}
	nat_decide(&scratch->to, back, NAT_CHANGE_FLOW);
	if (tcp.flags & NAT_TCP_SYN)
		nat_clamp(ctx, packet, back->service);
	return LB_FORWARD;
}

/* What parse has against the packet: there is nothing that the kernel could do better with it. */
static __always_inline int nat_objection(const struct packet *packet)
{
	switch (packet->why_not) {
	case REASON_FORWARDED:
	case REASON_NETFILTER:
	case REASON_TAGS_HIDDEN:
	case REASON_UNFINISHED_CHECKSUM:
		return NEXT;
	case REASON_ENSLAVED:
		return pass(REASON_ENSLAVED);
	case REASON_TTL_EXPIRED:
		return lb_drop(REASON_VIP_TTL);
	default:
		return lb_drop(REASON_VIP_UNFIT);
	}
}

/* The question to the FIB, about the packet as it will be. */
static __always_inline int nat_ask(struct xdp_md *ctx, const struct packet *packet, struct nat_scratch *scratch,
				   struct bpf_fib_lookup *fib)
{
	const void *end = (void *)(long)ctx->data_end;

	__builtin_memset(scratch->lookup, 0, sizeof(scratch->lookup));
	fib->family = packet->family;
	fib->l4_protocol = packet->protocol;
	fib->tot_len = packet->ip_length;
	fib->ifindex = packet->ingress;
	if (scratch->to.kind == NAT_CHANGE_FLOW) {
		fib->sport = scratch->to.source_port;
		fib->dport = scratch->to.destination_port;
	}
	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		fib->tos = ip->tos;
		fib->ipv4_src = scratch->to.source[3];
		fib->ipv4_dst = scratch->to.destination[3];
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return 0;
		fib->flowinfo = *(const __be32 *)ip & bpf_htonl(IPV6_FLOWINFO_MASK);
		__builtin_memcpy(fib->ipv6_src, scratch->to.source, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, scratch->to.destination, sizeof(fib->ipv6_dst));
	}
	return 1;
}

/* Is the packet one that the kernel cuts up where it is too long? */
static __always_inline int nat_may_fragment(struct xdp_md *ctx, const struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = network_header(ctx, packet->l3_offset);

	return packet->family == AF_INET && (const void *)(ip + 1) <= end && !(ip->frag_off & bpf_htons(0x4000));
}

/* Sends a reply on, as scratch->to says. Verdict; or LB_REFUSE, when its sender has to be told that it is too big. */
__noinline int nat_send_reply(struct xdp_md *ctx, struct packet *packet, struct lb_target *target)
{
	struct nat_scratch *scratch;
	struct bpf_fib_lookup *fib;
	long result;
	int answer;

	if (!feature_nat)
		return lb_drop(REASON_VIP_UNFIT);
	scratch = nat_my_scratch();
	if (!packet || !target || !scratch)
		return lb_drop(REASON_VIP_UNFIT);
	/* Of a container or a virtual machine of this host. The kernel finishes what it sends on, whoever changed it. */
	if (packet->why_not == REASON_UNFINISHED_CHECKSUM) {
		if (scratch->to.kind != NAT_CHANGE_FLOW)
			return lb_drop(REASON_VIP_UNFIT);
		scratch->to.kind = NAT_CHANGE_UNFINISHED;
		return nat_write_special(ctx, packet) ? pass(REASON_UNFINISHED_CHECKSUM) : lb_drop(REASON_VIP_UNFIT);
	}
	fib = (void *)scratch->lookup;
	if (!nat_ask(ctx, packet, scratch, fib))
		return lb_drop(REASON_VIP_UNFIT);
	result = bpf_fib_lookup(ctx, fib, sizeof(scratch->lookup), 0);
	if (result == BPF_FIB_LKUP_RET_FRAG_NEEDED && !nat_may_fragment(ctx, packet)) {
		target->mtu = fib->mtu_result;
		return lb_refuse(target, REASON_VIP_TOO_BIG, LB_REFUSAL_ICMP);
	}
	answer = NEXT;
	if (result == BPF_FIB_LKUP_RET_NO_NEIGH || (result == BPF_FIB_LKUP_RET_SUCCESS && zero_mac(fib->dmac)))
		answer = unresolved(fib->ifindex, packet->slot);
	else if (result != BPF_FIB_LKUP_RET_SUCCESS)
		answer = pass(reason_of_lookup(result));
	if (answer >> 8 == (DECIDED | VERDICT_DROP << 8) >> 8)
		return answer;
	if (!(scratch->to.kind == NAT_CHANGE_FLOW ? nat_write(ctx, packet, packet->l3_offset) :
						    nat_write_special(ctx, packet)))
		return lb_drop(REASON_VIP_UNFIT);
	if (answer)
		return answer;
	packet->egress = fib->ifindex;
	answer = transmit(ctx, packet, fib, BALANCED);
	return (answer & 0xff) == REASON_FORWARDED ? answer | REASON_NAT_REPLY : answer;
}

/* A packet that may be a reply of a backend. NEXT: it is none. */
static __always_inline int nat_reply(struct xdp_md *ctx, struct packet *packet, struct lb_target *target)
{
	int answer = nat_find_reply(ctx, packet);

	if (answer != LB_FORWARD)
		return answer;
	answer = nat_objection(packet);
	if (answer)
		return answer;
	if (feature_rp_filter && packet->family == AF_INET && packet->port_flags & (PORT_RP_STRICT | PORT_RP_LOOSE) &&
	    check_route_back(ctx, packet->port_flags, packet->ingress, packet->l3_offset))
		return lb_drop(REASON_REVERSE_PATH);
	return nat_send_reply(ctx, packet, target);
}

#endif
