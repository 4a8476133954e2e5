// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the balancer is measured against, and with: each program first makes the frame new, as a packet of one of many
 * flows, because a run in the kernel finds it as the run before left it. `floor_tx` and `floor_adjust` then do the
 * least that a balancer must do: turn the frame round, with and without making room for an outer header. `subject`
 * tail-calls the program in `programs`, whose cost so includes the call.
 *
 * A run that makes room leaves the frame longer; arrival takes that back, and all pay for it.
 */
#include "headrace/checksum.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} programs SEC(".maps");

/* Which packets arrive. One record, written before a run. */
struct arrival {
	__u64 count;       /* how many came; a run goes on where the last one ended */
	__u32 flow_mask;   /* number of flows - 1: a power of two; or all ones: every packet is of a new flow */
	__u32 frame;       /* bytes */
	__be32 source[4];  /* of flow 0: the flow's number is added to the last word, mixed */
	__be32 destination[4];
	__be16 port;       /* of the service */
	__u8 protocol;
	__u8 flags;        /* of TCP */
	__u8 ipv6;
	__u8 to[6];        /* MAC addresses */
	__u8 from[6];
	__u8 zero[3];
	__u32 modulo;      /* number of flows, if it is no power of two */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct arrival);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} arrivals SEC(".maps");

/* The flow's number as spread bits, so that neighbors in time are none in any table. A bijection. */
static __always_inline __u32 mix(__u32 n)
{
	n = (n ^ n >> 16) * 0x7feb352d;
	n = (n ^ n >> 15) * 0x846ca68b;
	return n ^ n >> 16;
}

static __always_inline int arrive(struct xdp_md *ctx)
{
	__u32 zero = 0, number, length = ctx->data_end - ctx->data;
	struct arrival *a = bpf_map_lookup_elem(&arrivals, &zero);
	struct ethhdr *eth;
	void *data, *end;
	__be32 client;
	__u16 *l4;

	if (!a)
		return 0;
	if (length != a->frame && bpf_xdp_adjust_head(ctx, (int)(length - a->frame)))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	number = a->count++;
	number = mix(a->modulo ? number % a->modulo : number & a->flow_mask);
	client = a->source[3] + (number & 0xffffff00);
	if (data + ETH_HLEN + 60 > end && a->ipv6)
		return 0;
	if (data + ETH_HLEN + 40 > end)
		return 0;
	__builtin_memcpy(eth->h_dest, a->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, a->from, ETH_ALEN);
	if (a->ipv6) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) + 20 > end)
			return 0;
		eth->h_proto = bpf_htons(ETH_P_IPV6);
		*(__u32 *)ip = bpf_htonl(0x60000000);
		ip->payload_len = bpf_htons(a->frame - ETH_HLEN - sizeof(*ip));
		ip->nexthdr = a->protocol;
		ip->hop_limit = 64;
		__builtin_memcpy(&ip->saddr, a->source, 12);
		ip->saddr.s6_addr32[3] = client;
		__builtin_memcpy(&ip->daddr, a->destination, 16);
		l4 = (void *)(ip + 1);
	} else {
		struct iphdr *ip = (void *)(eth + 1);
		__u32 *word = (void *)ip;

		eth->h_proto = bpf_htons(ETH_P_IP);
		word[0] = bpf_htonl(0x45000000 | (a->frame - ETH_HLEN));
		word[1] = bpf_htonl(0x4000);
		word[2] = bpf_htonl(64 << 24 | (__u32)a->protocol << 16);
		word[3] = client;
		word[4] = a->destination[3];
		ip->check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
		l4 = (void *)(ip + 1);
	}
	l4[0] = bpf_htons(1024 + (number & 0xff));
	l4[1] = a->port;
	if (a->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)l4;

		*(__u16 *)((void *)tcp + 12) = bpf_htons(0x5000 | a->flags);
	} else {
		l4[2] = bpf_htons(a->frame - ETH_HLEN - (a->ipv6 ? 40 : 20));
		l4[3] = 0xbeef;
	}
	return 1;
}

/* The harness alone. */
SEC("xdp")
int bare(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int floor_drop(struct xdp_md *ctx)
{
	return arrive(ctx) ? XDP_DROP : XDP_ABORTED;
}

static __always_inline int turn(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

SEC("xdp")
int floor_tx(struct xdp_md *ctx)
{
	return arrive(ctx) ? turn(ctx) : XDP_ABORTED;
}

SEC("xdp")
int floor_adjust(struct xdp_md *ctx)
{
	if (!arrive(ctx) || bpf_xdp_adjust_head(ctx, -20))
		return XDP_ABORTED;
	return turn(ctx);
}

SEC("xdp.frags")
int subject(struct xdp_md *ctx)
{
	if (arrive(ctx))
		bpf_tail_call(ctx, &programs, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "Dual BSD/GPL";
