/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Routes without asking the kernel: two or three memory reads where bpf_fib_lookup walks its trie, rules and
 * neighbors. Whatever the tables do not plainly know is answered with "ask", never with a guess.
 *
 * The control plane writes the tables while packets read them (see fib.h for the rules it keeps), so every word that
 * may change is read once.
 */
#ifndef HEADRACE_MIRROR_H
#define HEADRACE_MIRROR_H

#include "fib.h"
#include "kernel.h"

const volatile _Bool feature_mirror = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_root);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_root4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_group);
	__uint(max_entries, FIB_GROUPS4_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_groups4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_root);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_root6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_group);
	__uint(max_entries, FIB_GROUPS6_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_groups6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_list);
	__uint(max_entries, FIB_LISTS6_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_lists6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct next_hop);
	__uint(max_entries, FIB_NEXT_HOPS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_next_hops SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct fib_trust);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} fib_trust SEC(".maps");

/* Not a code of bpf_fib_lookup: those are zero or positive, or -errno. */
#define FIB_MIRROR_ASK (-1024)

#define FIB_READ_ONCE(word) (*(const volatile __u32 *)&(word))

/* The tables' word for an address: 0 is the default route's, a word without a next hop is "ask". */
static __always_inline __u32 fib_mirror_entry4(__be32 destination)
{
	__u32 zero = 0, address = bpf_ntohl(destination), entry, number;
	const struct fib_root *root = bpf_map_lookup_elem(&fib_root4, &zero);
	const struct fib_group *group;

	if (!root)
		return 0;
	entry = FIB_READ_ONCE(root->entries[address >> 8]);
	if (!(entry & FIB_GROUP))
		return entry;
	number = entry & FIB_NUMBER_MASK;
	group = bpf_map_lookup_elem(&fib_groups4, &number);
	return group ? FIB_READ_ONCE(group->entries[address & 0xff]) : 0;
}

/* Does an item of a list cover the address? Lengths count from the half's first bit on. */
static __always_inline int fib_list_covers(__u32 entry, __u64 key, __u64 half, __u32 before)
{
	__u32 length = entry & FIB_GROUP ? 64 : ((entry >> FIB_LENGTH_SHIFT) & 0xff) - before;

	return (half ^ key) >> ((64 - length) & 63) == 0;
}

static __always_inline __u32 fib_list_entry(const struct fib_list *list, __u64 half, __u32 before)
{
	__u32 entry;

#pragma unroll
	for (int i = 0; i < FIB_LIST_ITEMS; i++) {
		entry = FIB_READ_ONCE(list->entries[i]);
		if (!entry)
			break;
		if (fib_list_covers(entry, list->keys[i], half, before))
			return entry;
	}
	return FIB_READ_ONCE(list->fallback);
}

/* Words from the root to the last of a prefix of 128 bits in a table without lists. */
#define FIB_STEPS 14

/*
 * The same for IPv6: by one byte in a group, by all that is left of a half in a list. Takes the address's halves as
 * numbers of this host.
 *
 * A global function, because those are verified once and apart: the verifier would walk the loop anew for every path
 * that leads to it. It is verified even where nobody calls it, and must not need the maps then.
 */
__attribute__((noinline)) __u32 fib_mirror_walk6(__u64 half, __u64 low)
{
	__u32 zero = 0, entry, number, shift = 32, before = 0;
	const struct fib_group *group;
	const struct fib_list *list;
	const struct fib_root *root;

	if (!feature_mirror)
		return 0;
	root = bpf_map_lookup_elem(&fib_root6, &zero);
	if (!root)
		return 0;
	entry = FIB_READ_ONCE(root->entries[half >> 40]);
	for (int step = 0; step < FIB_STEPS && entry & FIB_GROUP; step++) {
		number = entry & FIB_NUMBER_MASK;
		if (entry & FIB_LIST) {
			list = bpf_map_lookup_elem(&fib_lists6, &number);
			entry = list ? fib_list_entry(list, half, before) : 0;
			shift = 0;
		} else {
			group = bpf_map_lookup_elem(&fib_groups6, &number);
			entry = group ? FIB_READ_ONCE(group->entries[(half >> shift) & 0xff]) : 0;
		}
		if (shift) {
			shift -= 8;
		} else {
			half = low;
			before = 64;
			shift = 56;
		}
	}
	return entry;
}

static __always_inline __u32 fib_mirror_entry6(const __be32 *destination)
{
	return fib_mirror_walk6((__u64)bpf_ntohl(destination[0]) << 32 | bpf_ntohl(destination[1]),
				(__u64)bpf_ntohl(destination[2]) << 32 | bpf_ntohl(destination[3]));
}

/* The next hop that an entry names, when it may be used. */
static __always_inline const struct next_hop *fib_mirror_next_hop(__u32 entry)
{
	__u32 number = entry & FIB_NUMBER_MASK;
	const struct next_hop *hop;

	if (!number || entry & FIB_GROUP)
		return 0;
	hop = bpf_map_lookup_elem(&fib_next_hops, &number);
	return hop && FIB_READ_ONCE(hop->state) == NEXT_HOP_READY ? hop : 0;
}

/* NULL when the tables must not be believed. */
static __always_inline const struct fib_trust *fib_mirror_trust(__u8 family)
{
	__u32 zero = 0;
	const struct fib_trust *trust = bpf_map_lookup_elem(&fib_trust, &zero);

	if (!trust || !(family == AF_INET ? FIB_READ_ONCE(trust->ipv4) : FIB_READ_ONCE(trust->ipv6)))
		return 0;
	return *(const volatile __u64 *)&trust->lease > bpf_jiffies64() ? trust : 0;
}

/*
 * Takes and fills struct bpf_fib_lookup as the helper does (family, destination and tot_len in; ifindex and MAC
 * addresses out). Answers BPF_FIB_LKUP_RET_SUCCESS, or FIB_MIRROR_ASK and leaves the structure as it was.
 */
static __always_inline long fib_mirror_lookup(struct bpf_fib_lookup *fib)
{
	const struct fib_trust *trust = fib_mirror_trust(fib->family);
	const struct next_hop *hop;
	__u32 entry;

	if (!trust)
		return FIB_MIRROR_ASK;
	if (fib->family == AF_INET)
		entry = fib_mirror_entry4(fib->ipv4_dst) ?: FIB_READ_ONCE(trust->default4);
	else
		entry = fib_mirror_entry6(fib->ipv6_dst) ?: FIB_READ_ONCE(trust->default6);
	hop = fib_mirror_next_hop(entry);
	/* A tag is not the redirect's to add: the stage that adds one may ask for it itself. */
	if (!hop || hop->vlan_protocol || fib->tot_len > hop->mtu)
		return FIB_MIRROR_ASK;
	fib->ifindex = hop->ifindex;
	__builtin_memcpy(fib->dmac, hop->destination, sizeof(fib->dmac));
	__builtin_memcpy(fib->smac, hop->source, sizeof(fib->smac));
	return BPF_FIB_LKUP_RET_SUCCESS;
}

#endif
