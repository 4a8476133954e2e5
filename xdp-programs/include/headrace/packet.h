/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the stages tell each other about a packet.
 *
 * Only what survives a change of the packet's memory is kept: lengths, ports and flags, never a pointer into the
 * frame. A stage answers NEXT, or a verdict with its reason made by `verdict()`.
 */
#ifndef HEADRACE_PACKET_H
#define HEADRACE_PACKET_H

#include "kernel.h"
#include "abi.h"

struct packet {
	__u32 frame_length; /* all buffers, layer 2 included */
	__u32 ip_length;    /* from the IP header on, as the header says */
	__u32 port_flags;   /* of the interface it came in by */
	__u16 slot;         /* whose counters */
	__u8 family;        /* AF_INET or AF_INET6 */
	__u8 protocol;      /* layer 4 */
	__u8 fragment;      /* is any fragment, the first one too */
	__be16 source_port; /* as the kernel's flow dissector has them: 0 for fragments and protocols without ports */
	__be16 destination_port;
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

#endif
