/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every packet is counted at the exit: per CPU, by interface, verdict and reason; and what XDP sent on, by its way.
 *
 * A packet moves one counter. With ways on, that of a packet sent is its way's, which says all that the interface's
 * would (enum path_kind): so ways cost a look at the egress, and no second counter.
 */
#ifndef HEADRACE_COUNT_H
#define HEADRACE_COUNT_H

#include "maps.h"
#include "packet.h"

const volatile _Bool feature_counters = 1;
const volatile _Bool feature_paths = 0;

static __always_inline struct cpu_counters *my_counters(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

/* Without CAP_PERFMON a number that is a constant on one way through the program and not on another must not become part
 * of an address: none is one behind the sum. `mask`: one less than there are counters, a power of two. */
static __always_inline void count_in(const struct cpu_counters *mine, struct counter *counters, __u32 index,
				     __u32 mask, __u32 bytes)
{
	index += mine->zero;
	barrier_var(index); /* or the compiler knows that the mask is not needed, and the verifier does not */
	index &= mask;
	counters[index].packets++;
	counters[index].bytes += bytes;
}

static __always_inline enum path_kind path_kind_of(enum reason reason)
{
	switch (reason) {
	case REASON_FORWARDED:
		return PATH_FORWARDED;
	case REASON_FORWARDED_MIRROR:
		return PATH_MIRROR;
	case REASON_BALANCED:
		return PATH_BALANCED;
	default:
		return PATH_OTHER;
	}
}

/* A packet sent, by its way. 0: it is to be counted by its interface too. */
static __always_inline int count_way(struct cpu_counters *mine, __u32 in, __u32 egress, enum verdict verdict,
				     enum path_kind kind, __u32 bytes)
{
	const struct port *port = bpf_map_lookup_elem(&ports, &egress);
	__u32 out = port ? port->slot : 0, own = (in | out) < PATH_SLOTS, way;

	if (!own) {
		in = in < PATH_SLOTS ? in : 0;
		out = out < PATH_SLOTS ? out : 0;
		kind = PATH_OTHER;
	}
	way = (in * PATH_SLOTS + out) * PATH_KINDS + kind + (verdict == VERDICT_REDIRECT ? PATH_REDIRECT : 0);
	count_in(mine, mine->ways, way, PATH_SLOTS * PATH_SLOTS * PATH_KINDS - 1, bytes);
	return kind != PATH_OTHER;
}

/* A function that is verified by itself: in line, the verifier would follow it at the end of every way through the
 * program, which without CAP_PERFMON are many. */
__noinline int count_packet(const struct packet *packet, int answer)
{
	enum verdict verdict = (answer >> 8) & (COUNTED_VERDICTS - 1);
	enum reason reason = answer & (COUNTED_REASONS - 1);
	struct cpu_counters *mine = my_counters();

	if (!mine || !packet)
		return 0;
	if (feature_paths && (verdict == VERDICT_TX || verdict == VERDICT_REDIRECT) &&
	    count_way(mine, packet->slot, packet->egress, verdict, path_kind_of(reason), packet->frame_length))
		return 0;
	count_in(mine, mine->cells, (packet->slot * COUNTED_VERDICTS + verdict) * COUNTED_REASONS + reason,
		 SLOTS_MAX * COUNTERS_PER_SLOT - 1, packet->frame_length);
	return 0;
}

#endif
