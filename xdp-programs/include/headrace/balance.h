/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Third stage: a packet of a service goes to one of its backends. It stands before routing because the kernel owns no
 * VIP and would route such a packet on. No services exist yet, so every packet goes on.
 */
#ifndef HEADRACE_BALANCE_H
#define HEADRACE_BALANCE_H

#include "packet.h"

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet)
{
	return NEXT;
}

#endif
