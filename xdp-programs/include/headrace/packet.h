/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the stages tell each other about a packet.
 *
 * Only what survives a change of the packet's memory is kept: lengths, offsets and flags, never a pointer into the
 * frame. A stage answers NEXT, or a verdict with its reason made by `verdict()`.
 *
 * "This is the kernel's, because …" comes in two kinds. Where no addresses can be told (no IP, another host's frame,
 * lengths that do not fit, which the kernel only ever drops), parse answers with a verdict. Everything else that keeps
 * a packet off the fast path (options, extension headers, a TTL that runs out, a port that belongs to the kernel, …) is
 * an objection, noted in `why_not` while parsing goes on: guard and balance still see family, protocol, addresses and
 * ports, for a packet of a service must be known as one before anything is passed up, and the kernel, owning no VIP,
 * would route it on. Only behind them does an objection become the verdict: see object() and headrace.bpf.c.
 */
#ifndef HEADRACE_PACKET_H
#define HEADRACE_PACKET_H

#include "kernel.h"
#include "abi.h"

struct packet {
	__u32 frame_length; /* all buffers, layer 2 included */
	__u32 ip_length;    /* from the IP header on, as the header says */
	__u32 port_flags;   /* of the interface it came in by */
	__u32 ingress;      /* that interface to the kernel: the port, its bond, or a VLAN interface on either */
	__u16 slot;         /* whose counters */
	__u8 l3_offset;     /* of the IP header in the frame: ETH_HLEN and VLAN_HLEN for each tag */
	__u8 l4_offset;     /* of the transport header; 0: not found (later fragment, extension headers, cut short) */
	__u8 family;        /* AF_INET or AF_INET6 */
	__u8 protocol;      /* layer 4; behind extension headers that are not walked, the first of those */
	__u8 fragment;      /* is any fragment, the first one too */
	__u8 why_not;       /* enum reason: the objection to forwarding it here; 0 (REASON_FORWARDED): none */
	__be16 source_port; /* as the kernel's flow dissector has them: 0 for fragments and protocols without ports */
	__be16 destination_port;
	__u32 egress;       /* interface it leaves by, to the kernel */
};

/* A stage's answer: NEXT (0), or verdict and reason in one word. */
#define NEXT 0
#define DECIDED (1 << 16)

static __always_inline int verdict(enum verdict v, enum reason r)
{
	return DECIDED | v << 8 | r;
}

static __always_inline int pass(enum reason r)
{
	return verdict(VERDICT_PASS, r);
}

/* Notes why the packet is the kernel's to forward. The first objection stays. */
static __always_inline void object(struct packet *packet, enum reason r)
{
	if (!packet->why_not)
		packet->why_not = r;
}

/* Of frames with that many tags. Adding a variable to a packet pointer takes CAP_PERFMON, so the steps are constants,
 * and the compiler is kept from making one of them. The caller compares with data_end. */
static __always_inline void *behind_tags(void *at, __u32 l3_offset)
{
	if (l3_offset != ETH_HLEN) {
		at += VLAN_HLEN;
		barrier_var(at);
		if (l3_offset != ETH_HLEN + VLAN_HLEN) {
			at += VLAN_HLEN;
			barrier_var(at);
		}
	}
	return at;
}

/* Where the IP header is, not compared with data_end yet. */
static __always_inline void *network_header(const struct xdp_md *ctx, __u32 l3_offset)
{
	return behind_tags((void *)(long)ctx->data + ETH_HLEN, l3_offset);
}

#endif
