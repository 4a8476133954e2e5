/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets whose next hop is not resolved: the kernel gets them, queues them and asks, but not without bound.
 *
 * Somebody who scans an attached /16 would otherwise have the kernel make a neighbor entry and send requests for each
 * address: a flood on that network, and a neighbor table so full (gc_thresh3, 1024) that nobody is resolved any more.
 * So each interface packets arrive by may have so many a second handed up; the surplus is dropped and counted.
 *
 * Only where the egress is a port of ours. On other interfaces the kernel may have its own ideas of a neighbor (tunnels
 * have none that is ever resolved), and doubt means PASS.
 *
 * A function of its own, out of the way of packets that are forwarded: to them it costs nothing.
 */
#ifndef HEADRACE_UNRESOLVED_H
#define HEADRACE_UNRESOLVED_H

#include "maps.h"
#include "packet.h"

#define NANOSECONDS_PER_SECOND 1000000000ull

__noinline int unresolved(__u32 egress, __u32 slot)
{
	const struct port *port = bpf_map_lookup_elem(&ports, &egress);
	__u64 *window = bpf_map_lookup_elem(&unresolved_windows, &slot);
	__u32 zero = 0, second;
	const struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	__u64 seen;

	if (!port || !(port->flags & PORT_ATTACHED) || !window || !now || !now->unresolved_per_second)
		return pass(REASON_NO_NEIGHBOR);

	/* High half: the second; low half: packets in it. One word, so that the change of second is one exchange. */
	second = bpf_ktime_get_coarse_ns() / NANOSECONDS_PER_SECOND;
	seen = *(volatile __u64 *)window;
	if (seen >> 32 != second &&
	    __sync_val_compare_and_swap(window, seen, (__u64)second << 32 | 1) == seen)
		return pass(REASON_NO_NEIGHBOR);
	seen = *(volatile __u64 *)window;
	if ((__u32)seen >= now->unresolved_per_second) /* only read from now on: CPUs do not fight for the word */
		return verdict(VERDICT_DROP, REASON_NO_NEIGHBOR_LIMITED);
	seen = __sync_fetch_and_add(window, 1);
	return (__u32)seen < now->unresolved_per_second ? pass(REASON_NO_NEIGHBOR) :
							  verdict(VERDICT_DROP, REASON_NO_NEIGHBOR_LIMITED);
}

#endif
