// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the balancer is measured against, and with: each program first makes the frame new, as a packet of one of many
 * flows, because a run in the kernel finds it as the run before left it. `floor_tx` and `floor_adjust` then do the
 * least that a balancer must do: turn the frame round, with and without making room for an outer header. `subject`
 * tail-calls the program in `programs`, whose cost so includes the call.
 *
 * A run that makes room leaves the frame longer; arrival takes that back, and all pay for it.
 *
 * Headers are written in words at least as wide as whoever comes next may read them, each word once: a frame that comes
 * from a device lies in the cache, while one written a moment ago is still in the processor's store buffer, from where
 * only a load that one store covers is served at once.
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
	__u8 zero;
	__u32 to;          /* MAC addresses, in the words that they are written in */
	__u16 to_end;
	__u16 from_start;
	__u32 from;
	__u32 modulo;      /* number of flows, if it is no power of two */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct arrival);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} arrivals SEC(".maps");

/* An Ethernet header as it is written: in words no narrower than it is read. */
struct head {
	__u32 to;
	__u16 to_end;
	__u16 from_start;
	__u32 from;
	__be16 type;
} __attribute__((packed, aligned(2)));

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
	struct head *head;
	void *data, *end, *l4;
	__be32 client;

	if (!a)
		return 0;
	if (length != a->frame && bpf_xdp_adjust_head(ctx, (int)(length - a->frame)))
		return 0;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	number = a->count++;
	number = mix(a->modulo ? number % a->modulo : number & a->flow_mask);
	client = a->source[3] + (number & 0xffffff00);
	if (data + ETH_HLEN + 60 > end && a->ipv6)
		return 0;
	if (data + ETH_HLEN + 40 > end)
		return 0;
	head = data;
	*(__u32 *)data = a->to;
	head->to_end = a->to_end;
	head->from_start = a->from_start;
	*(__u32 *)(data + 8) = a->from;
	if (a->ipv6) {
		struct ipv6hdr *ip = (void *)(head + 1);
		__u64 *word = (void *)ip;

		if ((void *)(ip + 1) + 20 > end)
			return 0;
		head->type = bpf_htons(ETH_P_IPV6);
		word[0] = bpf_cpu_to_be64(6ULL << 60 | (__u64)(a->frame - ETH_HLEN - sizeof(*ip)) << 16 |
					  (__u64)a->protocol << 8 | 64);
		word[1] = a->source[0] | (__u64)a->source[1] << 32;
		word[2] = a->source[2] | (__u64)client << 32;
		word[3] = a->destination[0] | (__u64)a->destination[1] << 32;
		word[4] = a->destination[2] | (__u64)a->destination[3] << 32;
		l4 = (void *)(ip + 1);
	} else {
		struct iphdr *ip = (void *)(head + 1);
		__u32 *word = (void *)ip, first, rest;

		head->type = bpf_htons(ETH_P_IP);
		first = bpf_htonl(0x45000000 | (a->frame - ETH_HLEN));
		rest = bpf_htonl(64 << 24 | (__u32)a->protocol << 16);
		word[0] = first;
		word[1] = bpf_htonl(0x4000);
		word[2] = rest | (__u32)bpf_htonl((__u16)bpf_ntohs(~fold((__u64)first + bpf_htonl(0x4000) + rest + client +
									     a->destination[3])));
		word[3] = client;
		word[4] = a->destination[3];
		l4 = (void *)(ip + 1);
	}
	*(__u32 *)l4 = bpf_htons(1024 + (number & 0xff)) | (__u32)a->port << 16;
	if (a->protocol == IPPROTO_TCP)
		*(__u16 *)(l4 + 12) = bpf_htons(0x5000 | a->flags);
	else
		*(__u32 *)(l4 + 4) = bpf_htons(a->frame - ETH_HLEN - (a->ipv6 ? 40 : 20)) |
				    (a->ipv6 ? 0xbeef0000 : 0); /* none, which IPv4 allows and others look at */
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

/* Frames for somebody else's balancer: to the peer of the interface they seem to come in by. */
SEC("xdp")
int flood(struct xdp_md *ctx)
{
	return arrive(ctx) ? bpf_redirect(ctx->ingress_ifindex, 0) : XDP_ABORTED;
}

/* What came out of it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} delivered SEC(".maps");

/* Counts what a balancer sends, as it is, translated or in a tunnel, and drops everything. */
SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct iphdr *ip = (void *)(eth + 1);
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&delivered, &zero);

	if (!count || (void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	if (ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP || ip->protocol == IPPROTO_IPIP)
		(*count)++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
