/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every packet is counted once, at the exit: per CPU, by interface, verdict and reason. */
#ifndef HEADRACE_COUNT_H
#define HEADRACE_COUNT_H

#include "maps.h"

const volatile _Bool feature_counters = 1;

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

#endif
