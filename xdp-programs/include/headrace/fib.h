/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tables that mirror the kernel's routes: how they lie in memory.
 *
 * Both families begin with a root of 2^24 slots by the first 24 bits of the address, and have groups of 256 slots for
 * each further byte where prefixes are dense. IPv6, where they are sparse, has lists too: ten prefixes in two cache
 * lines. A slot is one aligned 32-bit word, which is the unit of change: a reader sees the old word or the new one. From
 * the low bits: 23 bits of number (of a next hop, a group or a list), 8 bits of prefix length, one bit that says "leads
 * on"; in a word that leads on the lowest bit of the length says "to a list". Next hop 0 says "ask the kernel". A word of
 * zeros is where no prefix is but the default route, which stands in struct fib_trust.
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
	FIB_LIST_SHIFT = 23,     /* the bit of a word that leads on that says: to a list */
	FIB_LIST_ITEMS = 10,
};

/* 64 MiB of root a family; 32 MiB of groups each; 16 MiB of lists; 2 MiB of next hops. */
#define FIB_GROUPS4_MAX 32768
#define FIB_GROUPS6_MAX 32768
#define FIB_LISTS6_MAX 131072
#define FIB_NEXT_HOPS_MAX 65536

#define FIB_NUMBER_MASK ((1u << FIB_NUMBER_BITS) - 1)
#define FIB_GROUP (1u << FIB_GROUP_SHIFT)
#define FIB_LIST (1u << FIB_LIST_SHIFT)

struct fib_root {
	__u32 entries[FIB_ROOT_SLOTS];
};

struct fib_group {
	__u32 entries[FIB_GROUP_SLOTS];
};

/* A few prefixes in two neighboring cache lines. Keys are half an address (the one that the list's prefixes end in) as a number of this
 * host; an entry that leads on is matched by all 64 bits, another by the length in it. The longest stands first. */
struct fib_list {
	__u32 fallback; /* the word of addresses that no item covers */
	__u32 entries[FIB_LIST_ITEMS]; /* 0: none from here on */
	__u64 keys[FIB_LIST_ITEMS];
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
	__u32 default4; /* next hops of the default routes; 0: ask */
	__u32 default6;
	__u32 written; /* not 0: the tables are no longer the zeros they were made of */
	__u32 reserved;
};

#endif
