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

/* The tables' word for an address: 0 or a word without a next hop is "ask". */
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

/* One level further down, while there is one. */
static __always_inline int fib_mirror_descend(__u32 *entry, __u8 byte)
{
	__u32 number = *entry & FIB_NUMBER_MASK;
	const struct fib_group *group;

	if (!(*entry & FIB_GROUP))
		return 0;
	group = bpf_map_lookup_elem(&fib_groups6, &number);
	*entry = group ? FIB_READ_ONCE(group->entries[byte]) : 0;
	return 1;
}

/* The same for IPv6: one group more for each byte that a prefix on the way needs. Written out, because a loop with a
 * way out in its middle is not unrolled, and one that is not costs the verifier and every packet more. */
static __always_inline __u32 fib_mirror_entry6(const __u8 *destination)
{
	const __u8 *byte = destination;
	__u32 zero = 0, entry;
	const struct fib_root *root = bpf_map_lookup_elem(&fib_root6, &zero);

	if (!root)
		return 0;
	entry = FIB_READ_ONCE(root->entries[byte[0] << 16 | byte[1] << 8 | byte[2]]);
	(void)(fib_mirror_descend(&entry, byte[3]) && fib_mirror_descend(&entry, byte[4]) &&
	       fib_mirror_descend(&entry, byte[5]) && fib_mirror_descend(&entry, byte[6]) &&
	       fib_mirror_descend(&entry, byte[7]) && fib_mirror_descend(&entry, byte[8]) &&
	       fib_mirror_descend(&entry, byte[9]) && fib_mirror_descend(&entry, byte[10]) &&
	       fib_mirror_descend(&entry, byte[11]) && fib_mirror_descend(&entry, byte[12]) &&
	       fib_mirror_descend(&entry, byte[13]) && fib_mirror_descend(&entry, byte[14]) &&
	       fib_mirror_descend(&entry, byte[15]));
	return entry;
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

static __always_inline int fib_mirror_trusted(__u8 family)
{
	__u32 zero = 0;
	const struct fib_trust *trust = bpf_map_lookup_elem(&fib_trust, &zero);

	if (!trust || !(family == AF_INET ? FIB_READ_ONCE(trust->ipv4) : FIB_READ_ONCE(trust->ipv6)))
		return 0;
	return *(const volatile __u64 *)&trust->lease > bpf_jiffies64();
}

/*
 * Takes and fills struct bpf_fib_lookup as the helper does (family, destination and tot_len in; ifindex and MAC
 * addresses out). Answers BPF_FIB_LKUP_RET_SUCCESS, or FIB_MIRROR_ASK and leaves the structure as it was.
 */
static __always_inline long fib_mirror_lookup(struct bpf_fib_lookup *fib)
{
	const struct next_hop *hop;

	if (!fib_mirror_trusted(fib->family))
		return FIB_MIRROR_ASK;
	hop = fib_mirror_next_hop(fib->family == AF_INET ? fib_mirror_entry4(fib->ipv4_dst)
							 : fib_mirror_entry6((const __u8 *)fib->ipv6_dst));
	/* A tag is not the redirect's to add: the stage that adds one may ask for it itself. */
	if (!hop || hop->vlan_protocol || fib->tot_len > hop->mtu)
		return FIB_MIRROR_ASK;
	fib->ifindex = hop->ifindex;
	__builtin_memcpy(fib->dmac, hop->destination, sizeof(fib->dmac));
	__builtin_memcpy(fib->smac, hop->source, sizeof(fib->smac));
	return BPF_FIB_LKUP_RET_SUCCESS;
}

#endif
