/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every packet is counted at the exit: per CPU, by interface, verdict and reason; and what XDP sent on, by its way. */
#ifndef HEADRACE_COUNT_H
#define HEADRACE_COUNT_H

#include "maps.h"
#include "packet.h"

const volatile _Bool feature_counters = 1;
const volatile _Bool feature_paths = 0;

static __always_inline void count(__u16 slot, __u32 verdict, __u32 reason, __u32 bytes)
{
	if (!feature_counters)
		return;
	__u32 index = (slot * COUNTED_VERDICTS + (verdict & (COUNTED_VERDICTS - 1))) * COUNTED_REASONS +
		      (reason & (COUNTED_REASONS - 1));
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (!counter)
		return;
	counter->packets++;
	counter->bytes += bytes;
}

/* A function that is verified by itself: in line, the verifier would follow it at the end of every way through the
 * program, which without CAP_PERFMON are many. */
__noinline int count_path(const struct packet *packet, __u32 verdict)
{
	__u32 egress, in, out = 0;
	const struct port *port;
	struct counter *path;

	if (!feature_paths || !packet || (verdict != VERDICT_TX && verdict != VERDICT_REDIRECT))
		return 0;
	egress = packet->egress;
	in = packet->slot;
	port = bpf_map_lookup_elem(&ports, &egress);
	if (port && port->slot < PATH_SLOTS)
		out = port->slot;
	if (in < PATH_SLOTS)
		out += in * PATH_SLOTS;
	path = bpf_map_lookup_elem(&paths, &out);
	if (!path)
		return 0;
	path->packets++;
	path->bytes += packet->frame_length;
	return 1;
}

#endif
