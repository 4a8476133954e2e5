/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Is the daemon there? What it follows on behalf of the packet path may be trusted while its lease lasts. */
#ifndef HEADRACE_LEASE_H
#define HEADRACE_LEASE_H

#include "maps.h"

static __always_inline int lease_valid(void)
{
	__u32 zero = 0;
	const struct settings *now = bpf_map_lookup_elem(&settings, &zero);

	return now && now->lease > bpf_jiffies64();
}

#endif
