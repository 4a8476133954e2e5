/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Third stage: a packet of a service goes to one of its backends. It stands before routing because the kernel owns no
 * VIP and would route such a packet on. No services exist yet, so every packet goes on.
 */
#ifndef HEADRACE_BALANCE_H
#define HEADRACE_BALANCE_H

#include "balance-maps.h"
#include "packet.h"

/* Off until the first service: the control plane loads the program again with it. */
const volatile _Bool feature_balance = 0;

static __always_inline int balance(struct xdp_md *ctx, struct packet *packet)
{
	if (!feature_balance)
		return NEXT;
	return NEXT;
}

#endif
