/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is counted of packets that were lost after the packet path had sent them. */
#ifndef HEADRACE_LOSSES_ABI_H
#define HEADRACE_LOSSES_ABI_H

#include <linux/types.h>

/* Why the kernel or a driver dropped what a program's verdict had sent on. */
enum loss_cause {
	LOSS_DOWN,            /* the interface is down */
	LOSS_NO_XDP_TRANSMIT, /* its driver takes no XDP frames */
	LOSS_NO_RECEIVER,     /* nobody takes them at the far end (veth), or the driver has no queues for them */
	LOSS_TOO_LONG,        /* the frame is longer than the interface's MTU allows */
	LOSS_QUEUE_FULL,      /* the driver took fewer than there were */
	LOSS_TX,              /* XDP_TX: back out of the interface it came in by */
	LOSS_OTHER,
	LOSS_COUNT,
};

/* Room for causes to come, so that counters stay where they are. */
#define LOSS_CAUSES_MAX 8

/* By the slot of the interface that packets should have left by. */
struct losses {
	__u64 packets[LOSS_CAUSES_MAX]; /* by cause */
};

_Static_assert(LOSS_COUNT <= LOSS_CAUSES_MAX, "a cause without room for its counter");

#endif
