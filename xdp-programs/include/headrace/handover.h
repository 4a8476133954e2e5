/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Between balance and route: where the operator chose so (on_daemon_loss: kernel), everything is the kernel's once
 * nobody is there to notice new rules of the operator's.
 *
 * Behind balance, because the kernel does not know services and would route their packets on and around.
 */
#ifndef HEADRACE_HANDOVER_H
#define HEADRACE_HANDOVER_H

#include "lease.h"
#include "packet.h"

static __always_inline int handover(const struct packet *packet)
{
	if (packet->port_flags & PORT_NEEDS_DAEMON && !lease_valid())
		return pass(REASON_DAEMON_LOST);
	return NEXT;
}

#endif
