/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is a checksum that looks unfinished the right one after all?
 *
 * On virtual ports a transport checksum that equals the bare sum of the pseudo-header is taken for one that its sender
 * left to the hardware. One in 33,000 finished checksums happens to be that very number. The kernel may have such a
 * packet all the same, but one of a service has no other way than this one. So it is summed up: what adds up is right,
 * whoever finished it.
 *
 * Its own function and its own stack, by pieces that lie in this CPU's room. Tunnels' ports say nothing of what is inside,
 * so those stay unfinished.
 */
#ifndef HEADRACE_BALANCE_FINISHED_H
#define HEADRACE_BALANCE_FINISHED_H

#include "balance-pick.h"
#include "unfinished.h"

#define LB_PIECE 64 /* bytes: as many as lb_scratch.lookup has */
#define LB_PIECES 160

struct lb_summing {
	struct xdp_md *ctx;
	__u32 at;
	__u32 left;
	__u64 sum;
};

static long lb_sum_piece(__u32 index, struct lb_summing *summing)
{
	struct lb_scratch *scratch = lb_my_scratch();
	__u32 length = summing->left;
	__s64 sum;

	if (!scratch || !length)
		return 1;
	if (length >= LB_PIECE) {
		length = LB_PIECE;
		if (bpf_xdp_load_bytes(summing->ctx, summing->at, scratch->lookup, LB_PIECE))
			return 1;
	} else {
		__builtin_memset(scratch->lookup, 0, LB_PIECE);
		/* From 1 to LB_PIECE, which it is already: kernel 6.1 does not learn that from the comparisons. */
		asm volatile("" : "+r"(length));
		length = ((length - 1) & (LB_PIECE - 1)) + 1;
		if (bpf_xdp_load_bytes(summing->ctx, summing->at, scratch->lookup, length))
			return 1;
	}
	sum = bpf_csum_diff(NULL, 0, (__be32 *)scratch->lookup, LB_PIECE, 0);
	if (sum < 0)
		return 1;
	summing->sum += sum;
	summing->at += length;
	summing->left -= length;
	return !summing->left;
}

/* 1: it is. */
__noinline int lb_checksum_right(struct xdp_md *ctx, const struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *l3;
	struct lb_summing summing = {.ctx = ctx};
	__u64 addresses;

	if (!packet || !packet->l4_offset || packet->fragment ||
	    (packet->protocol == IPPROTO_UDP ? tunnel_port(packet->destination_port) :
	     packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_ICMPV6))
		return 0;
	summing.at = packet->l4_offset;
	summing.left = packet->ip_length + packet->l3_offset - packet->l4_offset;
	if (summing.left > LB_PIECE * LB_PIECES)
		return 0;
	l3 = network_header(ctx, packet->l3_offset);
	if (packet->family == AF_INET) {
		const struct iphdr *ip = l3;

		if ((const void *)(ip + 1) > end)
			return 0;
		addresses = (__u64)ip->saddr + ip->daddr;
	} else {
		const struct ipv6hdr *ip = l3;

		if ((const void *)(ip + 1) > end)
			return 0;
		addresses = ipv6_address_sum(ip);
	}
	summing.sum = pseudo_header_sum(addresses, summing.left, packet->protocol);
	bpf_loop(LB_PIECES, lb_sum_piece, &summing, 0);
	return !summing.left && same_sum(fold(summing.sum), 0xffff);
}

#endif
