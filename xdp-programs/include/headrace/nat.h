/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Forwarding mode nat: the backend's address takes the place of the VIP, and comes off again on the way back, so a
 * backend needs neither tunnel nor VIP; only its answers have to come by here.
 *
 *   connections, their states   nat-flow.h
 *   how one begins              nat-begin.h
 *   the client's packets        nat-track.h
 *   the backend's packets       nat-reply.h
 *   errors, fragments           nat-special.h
 *   addresses and checksums     nat-write.h
 *
 * Functions that are not static are verified once, and each has room on the stack for itself: they are called in a row
 * from the program, and what they tell each other is in a scratch of the CPU.
 */
#ifndef HEADRACE_NAT_H
#define HEADRACE_NAT_H

#include "nat-reply.h"
#include "nat-special.h"
#include "nat-track.h"

/* A packet for a VIP: LB_FORWARD when it goes to target->backend. What a special packet becomes is written at once: if it
 * cannot be sent it is dropped, for nobody answers an error or a fragment. */
static __always_inline int nat_forward(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	int error = packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6, answer;

	if (!error && !packet->fragment)
		return nat_track(ctx, packet, target);
	answer = error ? nat_forward_error(ctx, packet, target) : nat_track_fragment(ctx, packet, target);
	if (answer == LB_FORWARD && !nat_write_special(ctx, packet))
		return lb_drop(REASON_VIP_UNFIT);
	return answer;
}

#endif
