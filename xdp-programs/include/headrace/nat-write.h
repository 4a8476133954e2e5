/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Writes new addresses and ports into a packet, and what follows from them into every checksum that covers them.
 *
 * Checksums are never computed anew: a sum changes by what its words change by (RFC 1624, equation 3), so a packet whose
 * checksum was wrong before is wrong by as much after. A UDP checksum of zero is none, and stays so; one that comes out
 * as zero is written as 0xffff (RFC 768, RFC 8200 8.1).
 */
#ifndef HEADRACE_NAT_WRITE_H
#define HEADRACE_NAT_WRITE_H

#include "checksum.h"
#include "nat-maps.h"
#include "packet.h"

/* A checksum over words that grew by `sum`, as nat_difference() tells it. */
static __always_inline __u16 nat_adjust(__u16 check, __u64 sum)
{
	return ~fold((sum & 0xffffffff) + (sum >> 32) + (__u16)~check);
}

static __always_inline __u16 nat_adjust_udp(__u16 check, __u64 sum)
{
	if (!check)
		return 0;
	return nat_adjust(check, sum) ?: 0xffff;
}

/* What a sum grows by when a word becomes another. */
static __always_inline __u64 nat_difference(__u32 old, __u32 now)
{
	return (__u64)(__u32)~old + now;
}

static __always_inline __u64 nat_difference6(const __be32 *old, const __be32 *now)
{
	return nat_difference(old[0], now[0]) + nat_difference(old[1], now[1]) + nat_difference(old[2], now[2]) +
	       nat_difference(old[3], now[3]);
}

/* Ports and transport checksum; `sum`: what the addresses change the pseudo-header by. */
static __always_inline int nat_write_transport(void *l4, const void *end, __u8 protocol, const struct nat_change *to,
					       __u64 sum)
{
	__u32 ports = *(const __u32 *)&to->source_port;

	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end)
			return 0;
		sum += nat_difference(*(__u32 *)tcp, ports);
		*(__u32 *)tcp = ports;
		tcp->check = nat_adjust(tcp->check, sum);
	} else {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end)
			return 0;
		sum += nat_difference(*(__u32 *)udp, ports);
		*(__u32 *)udp = ports;
		udp->check = nat_adjust_udp(udp->check, sum);
	}
	return 1;
}

/* A whole packet without options or extension headers: every step is a constant. */
static __always_inline int nat_write_flow(struct xdp_md *ctx, const struct packet *packet, __u32 l3_offset,
					  const struct nat_change *to)
{
	const void *end = (void *)(long)ctx->data_end;
	void *l3 = network_header(ctx, l3_offset);
	__u64 sum;

	if (packet->family == AF_INET) {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		sum = nat_difference(ip->saddr, to->source[3]) + nat_difference(ip->daddr, to->destination[3]);
		ip->saddr = to->source[3];
		ip->daddr = to->destination[3];
		ip->check = nat_adjust(ip->check, sum);
		return nat_write_transport(ip + 1, end, packet->protocol, to, sum);
	} else {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		sum = nat_difference6(ip->saddr.s6_addr32, to->source) +
		      nat_difference6(ip->daddr.s6_addr32, to->destination);
		__builtin_memcpy(&ip->saddr, to->source, sizeof(ip->saddr));
		__builtin_memcpy(&ip->daddr, to->destination, sizeof(ip->daddr));
		return nat_write_transport(ip + 1, end, packet->protocol, to, sum);
	}
}

#define NAT_FAILED (1 << 24) /* beyond any sum of a few folded ones */

/* A word at any place of the frame becomes another: what a sum over it grows by, folded; or NAT_FAILED. */
__noinline __u32 nat_edit_word(struct xdp_md *ctx, __u32 at, __u32 now)
{
	__u32 old;

	if (bpf_xdp_load_bytes(ctx, at, &old, sizeof(old)) || bpf_xdp_store_bytes(ctx, at, &now, sizeof(now)))
		return NAT_FAILED;
	return fold(nat_difference(old, now));
}

/* Whose checksum it is. */
enum nat_check {
	NAT_CHECK_PLAIN,
	NAT_CHECK_UDP,        /* which has a way to say that there is none */
	NAT_CHECK_UNFINISHED, /* none yet: the bare sum of the pseudo-header, not inverted, for the hardware to finish */
};

/* The same for a checksum that covers what grew by `sum`. */
__noinline __u32 nat_edit_check(struct xdp_md *ctx, __u32 at, __u32 kind, __u32 sum)
{
	__u16 old, now;

	if (bpf_xdp_load_bytes(ctx, at, &old, sizeof(old)))
		return NAT_FAILED;
	now = kind == NAT_CHECK_UNFINISHED ? fold((__u64)old + sum) :
	      kind == NAT_CHECK_UDP	   ? nat_adjust_udp(old, sum) :
					     nat_adjust(old, sum);
	if (bpf_xdp_store_bytes(ctx, at, &now, sizeof(now)))
		return NAT_FAILED;
	return fold((__u64)(__u16)~old + now);
}

/* Both addresses of an IP packet. */
static __always_inline __u32 nat_edit_addresses(struct xdp_md *ctx, const struct nat_edit *edit)
{
	__u32 sum = 0;
	int i;

	if (edit->family == AF_INET)
		return nat_edit_word(ctx, edit->ip + 12, edit->source[3]) +
		       nat_edit_word(ctx, edit->ip + 16, edit->destination[3]);
#pragma unroll
	for (i = 0; i < 4; i++) {
		sum += nat_edit_word(ctx, edit->ip + 8 + i * 4, edit->source[i]);
		sum += nat_edit_word(ctx, edit->ip + 24 + i * 4, edit->destination[i]);
	}
	return sum;
}

/*
 * An IP packet at any place of the frame, as scratch->edit says. What it carries may end anywhere: a quoted packet has
 * at least its ports (RFC 792), and its checksum only if it was quoted that far. A packet that turns out to be cut short
 * is dropped by whoever called, so what was written by then does not matter.
 */
__noinline int nat_edit(struct xdp_md *ctx)
{
	struct nat_scratch *scratch;
	struct nat_edit *edit;
	__u32 sum, more = 0, at, kind = NAT_CHECK_PLAIN, covered;

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!scratch)
		return 0;
	edit = &scratch->edit;
	sum = nat_edit_addresses(ctx, edit);
	if (edit->family == AF_INET)
		more += nat_edit_check(ctx, edit->ip + 10, NAT_CHECK_PLAIN, sum);
	if (edit->transport) {
		at = edit->transport;
		covered = sum;
		sum += nat_edit_word(ctx, at, *(const __u32 *)&edit->source_port);
		if (edit->unfinished)
			kind = NAT_CHECK_UNFINISHED;
		else if (edit->protocol == IPPROTO_UDP)
			kind = NAT_CHECK_UDP;
		if (kind != NAT_CHECK_UNFINISHED) /* a pseudo-header has no ports */
			covered = sum;
		at += edit->protocol == IPPROTO_TCP ? 16 : 6;
		if (at + 2 <= edit->end)
			more += nat_edit_check(ctx, at, kind, covered);
	}
	edit->sum = sum + more;
	return edit->sum < NAT_FAILED;
}

/* The packet's own addresses, and with `transport` (an offset) its ports. */
static __always_inline void nat_edit_packet(const struct packet *packet, struct nat_scratch *scratch, __u32 l3_offset,
					    __u32 transport)
{
	struct nat_edit *edit = &scratch->edit;

	edit->ip = l3_offset;
	edit->transport = transport;
	edit->end = l3_offset + packet->ip_length;
	edit->family = packet->family;
	edit->protocol = packet->protocol;
	edit->unfinished = 0;
	nat_copy(edit->source, scratch->to.source);
	nat_copy(edit->destination, scratch->to.destination);
	edit->source_port = scratch->to.source_port;
	edit->destination_port = scratch->to.destination_port;
}

/* An ICMP error: the packet it quotes goes the other way, so its source is where the error goes to. */
__noinline int nat_write_error(struct xdp_md *ctx, const struct packet *packet, __u32 l3_offset)
{
	struct nat_scratch *scratch;
	struct nat_change *to;
	struct nat_edit *edit;
	__u32 sum;
	__u32 header;
	__be32 source[4];

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!packet || !scratch)
		return 0;
	to = &scratch->to;
	edit = &scratch->edit;
	header = packet->family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	nat_edit_packet(packet, scratch, l3_offset + to->quoted, l3_offset + to->transport);
	edit->end = l3_offset + packet->ip_length;
	edit->protocol = to->protocol;
	nat_copy(edit->source, to->destination);
	nat_copy(edit->destination, to->source);
	edit->source_port = to->destination_port;
	edit->destination_port = to->source_port;
	if (!nat_edit(ctx))
		return 0;
	sum = edit->sum;
	nat_edit_packet(packet, scratch, l3_offset, 0);
	if (!to->outer_source) {
		if (packet->family == AF_INET) {
			if (bpf_xdp_load_bytes(ctx, l3_offset + 12, &source[3], 4))
				return 0;
			edit->source[3] = source[3];
		} else {
			if (bpf_xdp_load_bytes(ctx, l3_offset + 8, source, 16))
				return 0;
			__builtin_memcpy(edit->source, source, sizeof(source));
		}
	}
	if (!nat_edit(ctx))
		return 0;
	if (packet->family != AF_INET) /* ICMPv6 covers its own addresses */
		sum += edit->sum;
	nat_event(NAT_EVENT_ERROR);
	return nat_edit_check(ctx, l3_offset + header + 2, NAT_CHECK_PLAIN, sum) != NAT_FAILED;
}

/* What is not a whole packet of a connection. Its addresses are where it came in. */
__noinline int nat_write_special(struct xdp_md *ctx, const struct packet *packet)
{
	struct nat_scratch *scratch;

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!packet || !scratch)
		return 0;
	switch (scratch->to.kind) {
	case NAT_CHANGE_FIRST:
		nat_edit_packet(packet, scratch, packet->l3_offset, packet->l3_offset + scratch->to.transport);
		return nat_edit(ctx);
	case NAT_CHANGE_ADDRESSES:
		nat_edit_packet(packet, scratch, packet->l3_offset, 0);
		return nat_edit(ctx);
	case NAT_CHANGE_UNFINISHED:
		nat_edit_packet(packet, scratch, packet->l3_offset, packet->l4_offset);
		scratch->edit.unfinished = 1;
		return nat_edit(ctx);
	case NAT_CHANGE_ERROR:
		return nat_write_error(ctx, packet, packet->l3_offset);
	default:
		return 0;
	}
}

/* A whole packet of a connection, whose IP header is at `l3_offset` now. What was special is written already. */
__noinline int nat_write(struct xdp_md *ctx, const struct packet *packet, __u32 l3_offset)
{
	struct nat_scratch *scratch;

	if (!feature_nat)
		return 0;
	scratch = nat_my_scratch();
	if (!packet || !scratch)
		return 0;
	return scratch->to.kind != NAT_CHANGE_FLOW || nat_write_flow(ctx, packet, l3_offset, &scratch->to);
}

#endif
