/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of the balance stage. They exist while feature_balance is on. Mapped ones are arrays of whole words, so the
 * control plane changes them without a system call. */
#ifndef HEADRACE_BALANCE_MAPS_H
#define HEADRACE_BALANCE_MAPS_H

#include "balance-abi.h"
#include "kernel.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_tables);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lb_range_key);
	__type(value, __u32);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} lb_ranges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct lb_prefix_key);
	__type(value, __u32);
	__uint(max_entries, LB_SERVICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} lb_prefixes SEC(".maps");

/* Connections of slots that move. Not an LRU: a flood may fill it, never push a connection out of it. The control plane
 * sweeps it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb_flow_key);
	__type(value, struct lb_flow);
	__uint(max_entries, LB_FLOWS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} lb_flows SEC(".maps");

/* UDP flows of services that track them. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb_flow_key);
	__type(value, struct lb_flow);
	__uint(max_entries, LB_TRACKED_MAX);
} lb_tracked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct lb_fragment_key);
	__type(value, struct lb_fragment);
	__uint(max_entries, LB_FRAGMENTS_MAX);
} lb_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct lb_quic_key);
	__type(value, __u32);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} lb_quic_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_scratch);
	__uint(max_entries, 1);
} lb_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_settings);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_budget);
	__uint(max_entries, 1);
} lb_budgets SEC(".maps");

/* By CPU, as the map counters is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_cpu_traffic);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, LB_EVENT_COUNT);
} lb_events SEC(".maps");

/* The key of a map of one element. In memory, and not on the stack, of which there is little. */
const volatile __u32 lb_only = 0;

static __always_inline struct lb_tables *lb_my_tables(void)
{
	return bpf_map_lookup_elem(&lb_tables, (const void *)&lb_only);
}

/* Numbers are masked and not compared: none is ever too high, and a branch less is a branch less for the verifier too,
 * which without CAP_PERFMON follows each also where it will not go. */
static __always_inline const struct lb_service *lb_service_in(const struct lb_tables *tables, __u32 number)
{
	if (!tables)
		return NULL;
	barrier_var(tables); /* or the sum is made before the comparison */
	return &tables->services[number & (LB_SERVICES_MAX - 1)];
}

static __always_inline const struct lb_backend *lb_backend_in(const struct lb_tables *tables, __u32 number)
{
	if (!tables)
		return NULL;
	barrier_var(tables); /* or the sum is made before the comparison */
	return &tables->backends[number & (LB_BACKENDS_MAX - 1)];
}

static __always_inline struct lb_ring *lb_ring_in(struct lb_tables *tables, __u32 number)
{
	if (!tables)
		return NULL;
	barrier_var(tables); /* or the sum is made before the comparison */
	return &tables->rings[number & (LB_RINGS_MAX - 1)];
}

static __always_inline const struct lb_service *lb_service(__u32 number)
{
	return lb_service_in(lb_my_tables(), number);
}

static __always_inline const struct lb_backend *lb_backend(__u32 number)
{
	return lb_backend_in(lb_my_tables(), number);
}

#endif
