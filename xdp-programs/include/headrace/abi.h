/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the packet path and the control plane share: the layout of every map, and nothing else.
 *
 * TypeScript never repeats what stands here: the bindings in controlplane/bpf/generated are made from this header's
 * BTF, and a pinned map of another layout is refused by the hash of that BTF (struct layout). Integers are in host
 * byte order unless a comment says otherwise.
 */
#ifndef HEADRACE_ABI_H
#define HEADRACE_ABI_H

#include <linux/types.h>

/* An interface's number is the index of its record in the map ports: no hashing on the packet path. */
#define PORTS_MAX 65536
/* Counters outlive an interface's number: each interface name that was ever attached keeps a slot. Slot 0 counts for
 * interfaces that have none. */
#define SLOTS_MAX 256

/* What became of a packet. The values are those of enum xdp_action. */
enum verdict {
	VERDICT_ABORTED,
	VERDICT_DROP,
	VERDICT_PASS,
	VERDICT_TX,
	VERDICT_REDIRECT,
	VERDICT_COUNT,
};

#include "fib.h"
#include "reasons.h"
#include "balance-abi.h"
#include "nat-abi.h"

/* Layout of the counters of a slot: powers of two, so that an index is made of shifts. */
enum counter_layout {
	COUNTED_VERDICTS = 8,
	COUNTED_REASONS = 64,
	COUNTERS_PER_SLOT = COUNTED_VERDICTS * COUNTED_REASONS,
};

/* Ways through the box, from slot to slot: so many slots have some of their own, the others share those of slot 0. Each
 * way has a counter of each kind. */
enum path_layout {
	PATH_SLOTS = 64,
	PATH_KINDS = 8,
};

/* Kinds of what is sent, for XDP_TX; for a redirect PATH_REDIRECT is added. What is of the kind "other", as all is from or
 * to slots that have no ways of their own, is in its interface's counters as well; the rest is counted by its way alone,
 * and readers add it to the interface's. */
enum path_kind {
	PATH_FORWARDED, /* REASON_FORWARDED */
	PATH_MIRROR,    /* REASON_FORWARDED_MIRROR */
	PATH_BALANCED,  /* REASON_BALANCED */
	PATH_OTHER,
	PATH_REDIRECT,
};

_Static_assert(REASON_COUNT <= COUNTED_REASONS, "reasons beyond the counters would be counted as others");

enum port_flag {
	PORT_ATTACHED = 1 << 0,  /* configured: the fast path may run for packets that arrive here */
	PORT_TO_KERNEL = 1 << 1, /* everything goes to the kernel: the operator's rules would be skipped otherwise */
	PORT_VIRTUAL = 1 << 2,   /* veth, tun and the like: TCP and UDP checksums may be unfinished */
	PORT_RP_STRICT = 1 << 3, /* rp_filter = 1 */
	PORT_RP_LOOSE = 1 << 4,  /* rp_filter = 2 */
	PORT_TRANSMITS = 1 << 5, /* in tx_ports, so a packet may leave by the port it came in by */
	PORT_ABLE = 1 << 13, /* in able_ports: can transmit XDP frames, whatever rules stand there */
	PORT_NEEDS_DAEMON = 1 << 12, /* everything goes to the kernel when the lease has run out */
	PORT_ENSLAVED = 1 << 6,  /* a bridge or the like takes all its frames before IP does */
	PORT_TAGS_HIDDEN = 1 << 7, /* a frame that looks untagged may have had a VLAN tag, which the kernel knows */
	PORT_MIRROR_IPV4 = 1 << 8, /* forwards IPv4 (sysctl), so the mirror of the routes may answer */
	PORT_MIRROR_IPV6 = 1 << 9,
};

/* An interface as packets meet it: one that the program is attached to, or a VLAN interface on such a one. */
struct port {
	__u32 flags; /* enum port_flag */
	__u32 mtu;   /* bytes, layer 3 */
	__u16 slot;  /* of its counters */
	__u8 mac[6];
	__u32 interface; /* whose packets these are to the kernel: its own ifindex, or its bond's */
};

#include "vlan.h"

/* Whose counters a slot holds; an empty name is a free slot. */
struct slot {
	char name[16];
};

struct counter {
	__u64 packets;
	__u64 bytes; /* of the frame, as it arrived */
};

/* All that a CPU counts of interfaces. One value, so that a packet asks once. */
struct cpu_counters {
	struct counter cells[SLOTS_MAX * COUNTERS_PER_SLOT];
	struct counter ways[PATH_SLOTS * PATH_SLOTS * PATH_KINDS];
	struct counter gone[PATH_SLOTS * PATH_KINDS]; /* the control plane's: of ways to slots that changed hands */
	__u64 zero; /* which the verifier does not know */
};

/* The filter `strangers`: 4096 bits in words of 64. An address in network byte order, read as a number of this host,
 * times STRANGER_FACTOR gives 32 bits, of which the highest 12 are its bit's number. */
enum stranger_layout {
	STRANGER_WORDS = 64,
	STRANGER_SHIFT = 20,
	STRANGER_FACTOR = 0x1e3779b1,
};

/* Switches that change while packets flow: one record, mapped into the control plane. */
struct settings {
	__u64 lease;   /* jiffies64 until which what the control plane follows may be trusted; 0: never */
	__u64 renewed; /* jiffies64 of the last renewal; 0: none yet */
	__u32 unresolved_per_second; /* packets to unresolved neighbors handed up, for each port; 0: no limit */
};

/* Identifies who made the pinned maps: written once, compared by whoever adopts them. */
struct layout {
	__u64 hash;  /* of the BTF of this ABI */
	__u64 netns; /* inode of the network namespace the maps serve */
};

#endif
