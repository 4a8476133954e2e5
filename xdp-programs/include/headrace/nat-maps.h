/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of the translation. They exist while feature_nat is on, which is while a service wants it. */
#ifndef HEADRACE_NAT_MAPS_H
#define HEADRACE_NAT_MAPS_H

#include "balance-abi.h"
#include "kernel.h"
#include "nat-abi.h"

const volatile _Bool feature_nat = 0;

/* Confirmed connections, both directions. Nothing is ever pushed out; the control plane sweeps it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct nat_key);
	__type(value, struct nat_flow);
	__uint(max_entries, NAT_FLOWS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} nat_flows SEC(".maps");

/* Those that begin. A flood pushes out the oldest of them, and nothing else. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct nat_key);
	__type(value, struct nat_flow);
	__uint(max_entries, NAT_OPENING_MAX);
} nat_opening SEC(".maps");

/* A bit for each address of a backend: nearly every packet that is no reply ends its search here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, NAT_FILTER_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
} nat_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct nat_source_key);
	__type(value, __u32);
	__uint(max_entries, NAT_SOURCES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} nat_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct nat_pool);
	__uint(max_entries, NAT_POOLS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} nat_pools SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb_fragment_key);
	__type(value, struct nat_fragment);
	__uint(max_entries, NAT_FRAGMENTS_MAX);
} nat_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct nat_settings);
	__uint(max_entries, 1);
} nat_settings SEC(".maps");

/* Seconds of silence after which a connection is over, by enum nat_state. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, NAT_STATE_COUNT);
} nat_idle SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct nat_scratch);
	__uint(max_entries, 1);
} nat_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, NAT_EVENT_COUNT);
} nat_events SEC(".maps");

static __always_inline struct nat_scratch *nat_my_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nat_scratch, &zero);
}

static __always_inline void nat_event(__u32 event)
{
	__u64 *count = bpf_map_lookup_elem(&nat_events, &event);

	if (count)
		(*count)++;
}

/* Has a backend this address? `where`: hash of it. */
static __always_inline int nat_filter_has(__u64 where)
{
	__u32 bit = where >> LB_FILTER_SHIFT, word = bit / 64;
	const __u64 *bits = bpf_map_lookup_elem(&nat_filter, &word);

	return bits && *bits >> (bit % 64) & 1;
}

static __always_inline void nat_copy(__be32 *to, const __be32 *from)
{
	*(__u64 *)to = *(const __u64 *)from;
	*(__u64 *)(to + 2) = *(const __u64 *)(from + 2);
}

static __always_inline int nat_same(const __be32 *a, const __be32 *b)
{
	return *(const __u64 *)a == *(const __u64 *)b && *(const __u64 *)(a + 2) == *(const __u64 *)(b + 2);
}

#endif
