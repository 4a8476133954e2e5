// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What Headrace is measured against: the cheapest programs that do a part of its work, and a packet generator.
 *
 * All of them begin with the same arrival: the frame is made new, because a run in the kernel finds it as the run
 * before left it. So all pay the same for it, and `bench_drop` shows how much. The last one tail-calls a program from
 * `programs`, which is how Headrace itself is measured unchanged; what the tail call costs counts against Headrace.
 */
#include "headrace/checksum.h"

#define DESTINATIONS_MAX 65536
#define TTL 64

/* Destinations the packets go to, network byte order; a power of two of them, see destination_mask. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, DESTINATIONS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} destinations SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 8);
} egress SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} programs SEC(".maps");

/* What the sink got, and, in the second element, the position in `destinations`. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 2);
} received SEC(".maps");

const volatile __u32 destination_mask = 0;
const volatile __u32 source_address = 0; /* network byte order */
const volatile __u32 egress_ifindex = 0;
const volatile __u8 router_mac[ETH_ALEN] = {};    /* whom the frames are for */
const volatile __u8 generator_mac[ETH_ALEN] = {}; /* whom they are from */
const volatile __u8 sink_mac[ETH_ALEN] = {};      /* next hop of the static programs */
const volatile __u8 egress_mac[ETH_ALEN] = {};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

static __always_inline void copy_mac(__u8 *to, const volatile __u8 *from)
{
	for (int i = 0; i < ETH_ALEN; i++)
		to[i] = from[i];
}

/* Makes the frame new. NULL when there is no room for it. */
static __always_inline struct frame *arrive(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	__u32 position = 1, *address, index;
	__u64 *next;
	const __u32 *word;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return NULL;
	next = bpf_map_lookup_elem(&received, &position);
	if (!next)
		return NULL;
	index = (*next)++ & destination_mask & (DESTINATIONS_MAX - 1);
	address = bpf_map_lookup_elem(&destinations, &index);
	if (!address)
		return NULL;

	copy_mac(frame->eth.h_dest, router_mac);
	copy_mac(frame->eth.h_source, generator_mac);
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.tos = 0;
	frame->ip.tot_len = bpf_htons(ctx->data_end - ctx->data - ETH_HLEN);
	frame->ip.id = 0;
	frame->ip.frag_off = bpf_htons(0x4000);
	frame->ip.ttl = TTL;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.saddr = source_address;
	frame->ip.daddr = *address;
	frame->ip.check = 0;
	word = (void *)&frame->ip;
	frame->ip.check = ~fold((__u64)word[0] + word[1] + word[2] + word[3] + word[4]);
	frame->udp.source = bpf_htons(1024);
	frame->udp.dest = bpf_htons(9);
	frame->udp.len = bpf_htons(ctx->data_end - ctx->data - ETH_HLEN - sizeof(struct iphdr));
	frame->udp.check = 0;
	return frame;
}

static __always_inline int forward_static(struct frame *frame)
{
	ipv4_decrement_ttl(&frame->ip);
	copy_mac(frame->eth.h_dest, sink_mac);
	copy_mac(frame->eth.h_source, egress_mac);
	return bpf_redirect_map(&egress, egress_ifindex, XDP_DROP);
}

/* The least that forwards by the kernel's FIB: no check of the packet, no counter. */
static __always_inline int forward_fib(struct xdp_md *ctx, struct frame *frame)
{
	struct bpf_fib_lookup fib = {
		.family = AF_INET,
		.l4_protocol = frame->ip.protocol,
		.tot_len = bpf_ntohs(frame->ip.tot_len),
		.ifindex = ctx->ingress_ifindex,
		.tos = frame->ip.tos,
		.ipv4_src = frame->ip.saddr,
		.ipv4_dst = frame->ip.daddr,
	};

	if (bpf_fib_lookup(ctx, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	ipv4_decrement_ttl(&frame->ip);
	__builtin_memcpy(frame->eth.h_dest, fib.dmac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, fib.smac, ETH_ALEN);
	return bpf_redirect_map(&egress, fib.ifindex, XDP_PASS);
}

SEC("xdp.frags")
int bench_drop(struct xdp_md *ctx)
{
	return arrive(ctx) ? XDP_DROP : XDP_ABORTED;
}

SEC("xdp.frags")
int bench_tx(struct xdp_md *ctx)
{
	struct frame *frame = arrive(ctx);

	if (!frame)
		return XDP_ABORTED;
	copy_mac(frame->eth.h_dest, generator_mac);
	copy_mac(frame->eth.h_source, router_mac);
	return XDP_TX;
}

SEC("xdp.frags")
int bench_static(struct xdp_md *ctx)
{
	struct frame *frame = arrive(ctx);

	return frame ? forward_static(frame) : XDP_ABORTED;
}

SEC("xdp.frags")
int bench_fib(struct xdp_md *ctx)
{
	struct frame *frame = arrive(ctx);

	return frame ? forward_fib(ctx, frame) : XDP_ABORTED;
}

SEC("xdp.frags")
int bench_call(struct xdp_md *ctx)
{
	if (arrive(ctx))
		bpf_tail_call(ctx, &programs, 0);
	return XDP_ABORTED;
}

/* Called instead of Headrace, to tell what the call itself costs. */
SEC("xdp.frags")
int called(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* The same without an arrival, for packets that really came in. */
SEC("xdp.frags")
int router_static(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end || frame->eth.h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	return forward_static(frame);
}

SEC("xdp.frags")
int router_fib(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end || frame->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.ttl <= 1)
		return XDP_PASS;
	return forward_fib(ctx, frame);
}

SEC("xdp.frags")
int router_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* Sends frames to the peer of the interface they seem to come in by. */
SEC("xdp")
int generator(struct xdp_md *ctx)
{
	return arrive(ctx) ? bpf_redirect(ctx->ingress_ifindex, 0) : XDP_ABORTED;
}

/* Counts the forwarded packets, and drops everything. */
SEC("xdp.frags")
int sink(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&received, &zero);

	if (count && (void *)(frame + 1) <= (void *)(long)ctx->data_end && frame->ip.ttl == TTL - 1)
		(*count)++;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
