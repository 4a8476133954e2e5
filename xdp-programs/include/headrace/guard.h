/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Second stage: drop what must not cost anything. It stands before balancing and routing because a dropped packet must
 * be the cheapest one. No rules exist yet, so every packet goes on.
 */
#ifndef HEADRACE_GUARD_H
#define HEADRACE_GUARD_H

#include "packet.h"

static __always_inline int guard(struct xdp_md *ctx, struct packet *packet)
{
	return NEXT;
}

#endif
