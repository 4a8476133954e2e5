/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The maps of the balance stage. They exist while feature_balance is on. Mapped ones are arrays of whole words, so the
 * control plane changes them without a system call. */
#ifndef HEADRACE_BALANCE_MAPS_H
#define HEADRACE_BALANCE_MAPS_H

#include "balance-abi.h"
#include "kernel.h"

/* A bit for each address that is a VIP: nearly every other packet ends its search here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, LB_FILTER_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_filter SEC(".maps");

/* An own hash table instead of the kernel's: a look-up is a few instructions in line, not a call. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, LB_INDEX_ENTRIES);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_service);
	__uint(max_entries, LB_SERVICES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_services SEC(".maps");

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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_ring);
	__uint(max_entries, LB_RINGS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_slot_line);
	__uint(max_entries, LB_SLOT_LINES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_backend);
	__uint(max_entries, LB_BACKENDS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} lb_backends SEC(".maps");

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

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_traffic);
	__uint(max_entries, LB_SERVICES_MAX);
} lb_service_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct lb_traffic);
	__uint(max_entries, LB_BACKENDS_MAX);
} lb_backend_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, LB_EVENT_COUNT);
} lb_events SEC(".maps");

#endif
