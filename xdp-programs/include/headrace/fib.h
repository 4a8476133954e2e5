/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tables that mirror the kernel's routes: how they lie in memory.
 *
 * Both families use the same shape: a root of 2^24 slots by the first 24 bits of the address, and groups of 256 slots
 * for each further byte that any prefix needs. A slot is one aligned 32-bit word, which is the unit of change: a reader
 * sees the old word or the new one. From the low bits: 23 bits of next hop (or group) number, 8 bits of prefix length,
 * one bit that says "group". Next hop 0 says "ask the kernel", and so does memory of zeros.
 */
#ifndef HEADRACE_FIB_H
#define HEADRACE_FIB_H

#include <linux/types.h>

enum fib_layout {
	FIB_ROOT_BITS = 24,
	FIB_ROOT_SLOTS = 1 << 24,
	FIB_GROUP_SLOTS = 256,
	FIB_NUMBER_BITS = 23,    /* of a next hop or a group */
	FIB_LENGTH_SHIFT = 23,   /* where the length of the prefix that an entry is of begins; only writers look at it */
	FIB_GROUP_SHIFT = 31,    /* the bit that says: number is a group's */
	FIB_LENGTH_CROWDED = 255, /* no group was free for what is below this slot: ask */
};

/* Defaults: 64 MiB of root a family; 32 MiB and 256 MiB of groups; 2 MiB of next hops. */
#define FIB_GROUPS4_MAX 32768
#define FIB_GROUPS6_MAX 262144
#define FIB_NEXT_HOPS_MAX 65536

#define FIB_NUMBER_MASK ((1u << FIB_NUMBER_BITS) - 1)
#define FIB_GROUP (1u << FIB_GROUP_SHIFT)

struct fib_root {
	__u32 entries[FIB_ROOT_SLOTS];
};

struct fib_group {
	__u32 entries[FIB_GROUP_SLOTS];
};

enum next_hop_state {
	NEXT_HOP_ASK,   /* the rest of the record may be changing: do not look */
	NEXT_HOP_READY,
};

/* Where a packet leaves. Half a cache line, never across two. A record is rewritten only after it has said ASK for
 * longer than any packet takes. */
struct next_hop {
	__u32 state;   /* enum next_hop_state */
	__u32 ifindex;
	__u32 mtu;     /* bytes, layer 3; a longer packet is the kernel's */
	__u8 destination[6];
	__u8 source[6];
	__be16 vlan_protocol; /* 0: untagged */
	__be16 vlan_tag;
	__u32 reserved;
};

/* Says whether the tables may be believed at all. */
struct fib_trust {
	__u64 lease; /* jiffies64 until which the writer vouches for the tables; 0: never */
	__u32 ipv4;  /* in step with the kernel */
	__u32 ipv6;
};

#endif
