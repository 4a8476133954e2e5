/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the balancer says itself: echo replies for a VIP, errors to clients, resets.
 *
 * Answers go out as the packet came in, to the neighbor that sent it, with the VIP as their source. They are few: each
 * CPU has a budget of answers a second, so that nobody is flooded by our help, and one of its own for errors about sizes,
 * without which connections hang: a flood of pings takes none of that. No error answers an error, a fragment or a packet
 * from an impossible source (RFC 1122 3.2.2, RFC 4443 2.4).
 *
 * IPv4 and IPv6 are written out side by side: the steps over headers have to be constants (see behind_tags()).
 */
#ifndef HEADRACE_BALANCE_ANSWER_H
#define HEADRACE_BALANCE_ANSWER_H

#include "balance-forward.h"

/* How much of the packet an error quotes, from its IP header on: at most this, or the header and 8 bytes. The sum over
 * it is one call, which older kernels limit to 512 bytes. */
#define LB_QUOTE 500

struct lb_icmp {
	__u8 type;
	__u8 code;
	__be16 check;
	__be32 rest;
};

static __always_inline int lb_swap_macs(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return 0;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return 1;
}

/* Turns an echo request into its reply. What it carries is not read: the checksum changes by the type alone. */
static __always_inline int lb_echo(struct xdp_md *ctx, const struct packet *packet)
{
	void *end = (void *)(long)ctx->data_end;
	struct lb_icmp *icmp;

	if (packet->family == AF_INET) {
		struct iphdr *ip = network_header(ctx, packet->l3_offset);
		__be32 *word = (void *)ip, address;

		icmp = (void *)(ip + 1);
		barrier_var(icmp);
		if ((void *)(icmp + 1) > end)
			return 0;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		ip->ttl = LB_OUTER_TTL;
		ip->check = 0;
		ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
		icmp->type = 0;
	} else {
		struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);
		struct in6_addr address;

		icmp = (void *)(ip + 1);
		barrier_var(icmp);
		if ((void *)(icmp + 1) > end)
			return 0;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		ip->hop_limit = LB_OUTER_TTL;
		icmp->type = 129;
	}
	/* RFC 1624: HC' = ~(~HC + ~m + m'); the type is the high byte of its word: 8 → 0, 128 → 129. */
	if (packet->family == AF_INET)
		icmp->check = ~fold((__u64)(__u16)~icmp->check + (__u16)~bpf_htons(8 << 8));
	else
		icmp->check = ~fold((__u64)(__u16)~icmp->check + (__u16)~bpf_htons(128 << 8) + bpf_htons(129 << 8));
	return lb_swap_macs(ctx);
}

/* Type and code of an error, the rest of its header in `mtu`. */
static __always_inline void lb_error_of(const struct packet *packet, const struct lb_target *target, struct lb_icmp *icmp)
{
	int v4 = packet->family == AF_INET;

	icmp->check = 0;
	icmp->rest = 0;
	switch (target->reason) {
	case REASON_VIP_TTL:
		icmp->type = v4 ? 11 : 3;
		icmp->code = 0;
		break;
	case REASON_VIP_TOO_BIG:
		icmp->type = v4 ? 3 : 2;
		icmp->code = v4 ? 4 : 0;
		icmp->rest = bpf_htonl(target->mtu);
		break;
	case REASON_NO_SERVICE: /* port unreachable */
		icmp->type = v4 ? 3 : 1;
		icmp->code = v4 ? 3 : 4;
		break;
	default: /* host, address unreachable */
		icmp->type = v4 ? 3 : 1;
		icmp->code = v4 ? 1 : 3;
	}
}

/* Moves the Ethernet header and its tags forward by `room`, and turns it round. */
static __always_inline void lb_move_ethernet(void *data, const void *old, __u32 l3_offset)
{
	struct ethhdr *eth = data;
	const struct ethhdr *was = old;
	const __u32 *from = (const void *)(was + 1);
	__u32 *to = (void *)(eth + 1);

	__builtin_memcpy(eth->h_dest, was->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, was->h_dest, ETH_ALEN);
	eth->h_proto = was->h_proto;
	if (l3_offset > ETH_HLEN)
		to[0] = from[0];
	if (l3_offset > ETH_HLEN + VLAN_HLEN)
		to[1] = from[1];
}

/* The packet becomes what an error quotes, behind the error's own headers. `quote` is a constant. */
static __always_inline int lb_error4(struct xdp_md *ctx, const struct packet *packet, struct lb_icmp head,
				     const __u32 quote)
{
	const __u32 room = sizeof(struct iphdr) + sizeof(struct lb_icmp);
	void *data, *end;
	struct lb_icmp *icmp;
	struct iphdr *ip, *quoted;
	__u32 *word;
	int excess = packet->frame_length - packet->l3_offset - quote;

	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess))
		return 0;
	if (bpf_xdp_adjust_head(ctx, -(int)room))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + room + ETH_HLEN + 2 * VLAN_HLEN > end)
		return 0;
	lb_move_ethernet(data, data + room, packet->l3_offset);
	ip = network_header(ctx, packet->l3_offset);
	icmp = (void *)(ip + 1);
	quoted = (void *)(icmp + 1);
	if ((void *)quoted + quote > end)
		return 0;
	word = (void *)ip;
	word[0] = bpf_htonl(0x45000000 | (room + quote));
	word[1] = 0;
	word[2] = bpf_htonl((__u32)LB_OUTER_TTL << 24 | (__u32)IPPROTO_ICMP << 16);
	word[3] = quoted->daddr;
	word[4] = quoted->saddr;
	ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
	*icmp = head;
	icmp->check = ~fold((__u32)bpf_csum_diff(NULL, 0, (void *)icmp, sizeof(*icmp) + quote, 0));
	return 1;
}

static __always_inline int lb_error6(struct xdp_md *ctx, const struct packet *packet, struct lb_icmp head,
				     const __u32 quote)
{
	const __u32 room = sizeof(struct ipv6hdr) + sizeof(struct lb_icmp);
	void *data, *end;
	struct lb_icmp *icmp;
	struct ipv6hdr *ip, *quoted;
	int excess = packet->frame_length - packet->l3_offset - quote;

	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess))
		return 0;
	if (bpf_xdp_adjust_head(ctx, -(int)room))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + room + ETH_HLEN + 2 * VLAN_HLEN > end)
		return 0;
	lb_move_ethernet(data, data + room, packet->l3_offset);
	ip = network_header(ctx, packet->l3_offset);
	icmp = (void *)(ip + 1);
	quoted = (void *)(icmp + 1);
	if ((void *)quoted + quote > end)
		return 0;
	*(__be32 *)ip = bpf_htonl(0x60000000);
	ip->payload_len = bpf_htons(sizeof(*icmp) + quote);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = LB_OUTER_TTL;
	ip->saddr = quoted->daddr;
	ip->daddr = quoted->saddr;
	*icmp = head;
	icmp->check = ~fold((__u64)(__u32)bpf_csum_diff(NULL, 0, (void *)icmp, sizeof(*icmp) + quote, 0) +
			    ipv6_address_sum(ip) + bpf_htonl(sizeof(*icmp) + quote) + bpf_htonl(IPPROTO_ICMPV6));
	return 1;
}

static __always_inline int lb_error(struct xdp_md *ctx, const struct packet *packet, const struct lb_target *target)
{
	struct lb_icmp head;

	if (packet->fragment || packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		return 0;
	lb_error_of(packet, target, &head);
	if (packet->family == AF_INET)
		return packet->ip_length >= LB_QUOTE ? lb_error4(ctx, packet, head, LB_QUOTE) :
		       packet->ip_length >= 28	     ? lb_error4(ctx, packet, head, 28) :
						       0;
	return packet->ip_length >= LB_QUOTE ? lb_error6(ctx, packet, head, LB_QUOTE) :
	       packet->ip_length >= 48	     ? lb_error6(ctx, packet, head, 48) :
					       0;
}

/* RFC 9293 3.10.7.1: the reset for a segment to a port where nobody listens. Never for a reset. */
static __always_inline int lb_write_reset(struct tcphdr *tcp, __u32 l4_length, __u64 address_sum)
{
	__u32 *word = (void *)tcp, sequence = tcp->seq;
	__be16 port = tcp->source;

	if (tcp->rst)
		return 0;
	l4_length -= tcp->doff * 4;
	tcp->source = tcp->dest;
	tcp->dest = port;
	if (tcp->ack) {
		tcp->seq = tcp->ack_seq;
		tcp->ack_seq = 0;
		word[3] = bpf_htonl(5u << 28 | 0x04 << 16);
	} else {
		tcp->seq = 0;
		tcp->ack_seq = bpf_htonl(bpf_ntohl(sequence) + l4_length + tcp->syn + tcp->fin);
		word[3] = bpf_htonl(5u << 28 | 0x14 << 16);
	}
	word[4] = 0;
	tcp->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + address_sum + bpf_htonl(sizeof(*tcp)) +
			   bpf_htonl(IPPROTO_TCP));
	return 1;
}

static __always_inline int lb_reset(struct xdp_md *ctx, const struct packet *packet)
{
	__u32 header = packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	int excess = packet->frame_length - packet->l3_offset - header - sizeof(struct tcphdr);
	void *end;

	if (packet->fragment || packet->ip_length < header + sizeof(struct tcphdr))
		return 0;
	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess))
		return 0;
	end = (void *)(long)ctx->data_end;
	if (packet->family == AF_INET) {
		struct iphdr *ip = network_header(ctx, packet->l3_offset);
		struct tcphdr *tcp = (void *)(ip + 1);
		__be32 *word = (void *)ip, address;

		if ((void *)(tcp + 1) > end)
			return 0;
		if (!lb_write_reset(tcp, packet->ip_length - header, (__u64)ip->saddr + ip->daddr))
			return 0;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		word[0] = bpf_htonl(0x45000000 | (sizeof(*ip) + sizeof(*tcp)));
		word[1] = bpf_htonl(0x4000);
		word[2] = bpf_htonl((__u32)LB_OUTER_TTL << 24 | (__u32)IPPROTO_TCP << 16);
		ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
	} else {
		struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);
		struct tcphdr *tcp = (void *)(ip + 1);
		struct in6_addr address;

		if ((void *)(tcp + 1) > end)
			return 0;
		if (!lb_write_reset(tcp, packet->ip_length - header, ipv6_address_sum(ip)))
			return 0;
		address = ip->saddr;
		ip->saddr = ip->daddr;
		ip->daddr = address;
		ip->payload_len = bpf_htons(sizeof(*tcp));
		ip->hop_limit = LB_OUTER_TTL;
	}
	return lb_swap_macs(ctx);
}

/* Answers a packet that no backend gets, or drops it: the policy is in `target`. */
__noinline int lb_answer(struct xdp_md *ctx, const struct packet *packet, const struct lb_target *target)
{
	enum verdict out;
	__u32 kind;
	int done = 0;

	if (!packet || !target)
		return lb_drop(REASON_VIP_UNFIT);
	kind = target->reason == REASON_VIP_TOO_BIG ? LB_BUDGET_SIZE : LB_BUDGET_ANSWER;
	if (target->refusal == LB_REFUSAL_DROP || !lb_spend(kind, bpf_ktime_get_coarse_ns()))
		return lb_drop(target->reason);
	out = leave_by(ctx, packet, ctx->ingress_ifindex, BALANCED);
	if (out == VERDICT_PASS)
		return lb_drop(target->reason);
	if (target->refusal == LB_REFUSAL_ECHO)
		done = lb_echo(ctx, packet);
	else if (target->refusal == LB_REFUSAL_RESET && packet->protocol == IPPROTO_TCP)
		done = lb_reset(ctx, packet);
	else
		done = lb_error(ctx, packet, target);
	return verdict(done ? out : VERDICT_DROP, target->reason);
}

#endif
