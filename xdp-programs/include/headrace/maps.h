/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Every map of the packet path. All are pinned by the control plane, which also fills all but the counters. */
#ifndef HEADRACE_MAPS_H
#define HEADRACE_MAPS_H

#include "kernel.h"
#include "abi.h"

/* Interfaces by ifindex. An array, so that the look-up is two instructions; a record of zeros is an interface that is
 * not attached. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct port);
	__uint(max_entries, PORTS_MAX);
} ports SEC(".maps");

/* VLAN interfaces by what a frame shows: (interface below, tag) -> ifindex. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct vlan_key);
	__type(value, __u32);
	__uint(max_entries, VLANS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} vlans SEC(".maps");

/* VLAN interfaces by ifindex. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct vlan_egress);
	__uint(max_entries, PORTS_MAX);
} vlan_egress SEC(".maps");

/* The interface names that counters were ever kept for. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct slot);
	__uint(max_entries, SLOTS_MAX);
} slots SEC(".maps");

/* By CPU: whoever loads gives it as many entries as there may be CPUs. No per-CPU map, because there each counter is a
 * look-up of its own, and because this one can be read where it lies. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct cpu_counters);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} counters SEC(".maps");

/* Interfaces known to transmit XDP frames, by ifindex: whatever is not in here is the kernel's to send to. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1024);
} tx_ports SEC(".maps");

/* The same, and those whose rules or queues the kernel has to apply to what is routed: for what is balanced. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1024);
} able_ports SEC(".maps");

/* This host's IPv4 addresses and the broadcast addresses of its networks, in network byte order: nobody else may send
 * from them. Trusted while the lease lasts. (IPv6 forwarding does not look for its own addresses in sources, and has
 * no broadcast.) */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __be32);
	__type(value, __u8);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} own_v4 SEC(".maps");

/* A filter before own_v4, because that look-up costs as much as all other checks: bit stranger_bit(address) is set when
 * surely no address with that bit is in own_v4. Zeros are always right, and slow. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, STRANGER_WORDS);
} strangers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct settings);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} settings SEC(".maps");

/* By counter slot: the second (high half), and how many packets to unresolved neighbors were handed up in it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, SLOTS_MAX);
} unresolved_windows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct layout);
	__uint(max_entries, 1);
} layout SEC(".maps");

#endif
