/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the balance stage and the control plane share: services, backends, rings, and the connections remembered while
 * something moves.
 *
 * The control plane writes these records while packets read them, without locks, so every change that a packet may see
 * is one aligned word: an entry of the index publishes a service, `place` publishes a ring, a slot changes by itself,
 * `state` publishes a backend's next hop. A number is given to something new only after nobody can hold it any more.
 *
 *   destination ─▶ filter ─▶ index ─▶ services ─▶ rings ─▶ slots ─▶ backends       (struct lb_tables)
 *          (is it a VIP) (address, protocol, port)     (hash of the flow)
 *
 * IPv4 addresses are written as IPv4-mapped IPv6 addresses (::ffff:a.b.c.d), in network byte order. Times are
 * nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef HEADRACE_BALANCE_ABI_H
#define HEADRACE_BALANCE_ABI_H

#include <linux/types.h>

/* How much there may be of what packets find by number. */
enum lb_capacity {
	LB_SERVICES_MAX = 16384, /* and VIPs; number 0 is none */
	LB_BACKENDS_MAX = 16384, /* of all pools; number 0 is none, 0xffff is LB_PINNED */
	LB_RINGS_MAX = 16384,
	LB_SLOTS_MAX = 4194304,  /* 16 MiB */
};

/* Connections remembered while slots move. Memory is taken as they come. */
#define LB_FLOWS_MAX 1048576
#define LB_TRACKED_MAX 262144
#define LB_FRAGMENTS_MAX 16384

/*
 * The index of services: open addressing, linear probing from `hash >> 48` on, wrapping, at most LB_INDEX_PROBES
 * entries; an empty entry (0) ends the search, a deleted one does not. Entry: tag (low 32 bits of the hash) << 32 |
 * service number.
 *
 * Hash of a key, modulo 2^64; words as they lie in memory, which is a little-endian reading of network byte order:
 *   where = address[0..7] * A + address[8..15] * B
 *   h     = where + (port | protocol << 16 | prefix << 24) * C
 *   h     = (h ^ h >> 32) * D;  h ^= h >> 32
 * The filter has the bit `where >> 48` of every address (and none of prefixes).
 *
 * Hash of a flow, whose ports are 0 when it is not hashed by them (client IP: source address alone, all else 0):
 *   h = source[0..7] * A + source[8..15] * B + destination[0..7] * C + destination[8..15] * D
 *       + (source port | destination port << 16 | protocol << 32) * E
 *   h = (h ^ h >> 32) * D;  h = (h ^ h >> 29) * E;  h ^= h >> 32;  h ^= seed | seed << 32
 */
enum lb_index_layout {
	LB_INDEX_ENTRIES = 65536,
	LB_INDEX_PROBES = 16,
	LB_INDEX_SHIFT = 48,
	LB_FILTER_WORDS = 1024, /* of 64 bits */
	LB_FILTER_SHIFT = 48,
	LB_INDEX_DELETED = 0x7fffffff, /* instead of a service number */
};

/* Factors of the hashes, in halves: an enum of 64 bits would be beyond the BTF of older compilers. */
enum lb_hash_factor {
	LB_HASH_A_HIGH = 0x1e3779b9,
	LB_HASH_A_LOW = 0x7f4a7c15,
	LB_HASH_B_HIGH = 0x3f58476d,
	LB_HASH_B_LOW = 0x1ce4e5b9,
	LB_HASH_C_HIGH = 0x54d049bb,
	LB_HASH_C_LOW = 0x133111eb,
	LB_HASH_D_HIGH = 0x7f51afd7,
	LB_HASH_D_LOW = 0x6d558ccd,
	LB_HASH_E_HIGH = 0x44ceb9fe,
	LB_HASH_E_LOW = 0x1a85ec53,
};
#define LB_HASH(which) ((__u64)LB_HASH_##which##_HIGH << 32 | LB_HASH_##which##_LOW)

enum lb_mode {
	LB_MODE_L2,   /* the frame goes to the backend's MAC address, the packet as it is */
	LB_MODE_IPIP, /* IPv4 or IPv6 around it (RFC 2003, 2473, 4213) */
	LB_MODE_GUE,  /* UDP around that (GUE version 1: the packet follows the UDP header) */
	LB_MODE_NAT,  /* the destination becomes the backend's, and answers come back this way: see nat-abi.h */
};

/* What a flow is hashed by, and whether it is remembered while nothing moves. */
enum lb_udp {
	LB_UDP_HASH,    /* hash only: a change moves 1/N of the flows at once */
	LB_UDP_TRACKED, /* every flow remembered, in an LRU */
	LB_UDP_QUIC,    /* by the server id in the connection id, where there is one; else by hash */
};

enum lb_fragments {
	LB_FRAGMENTS_DROP,
	LB_FRAGMENTS_HASH3, /* all packets of the service are hashed by addresses and protocol */
	LB_FRAGMENTS_TRACK, /* the first fragment is remembered; those that come before it are dropped */
};

/* What becomes of a packet that no backend can have. */
enum lb_refusal {
	LB_REFUSAL_DROP,
	LB_REFUSAL_RESET, /* TCP RST; for the rest as LB_REFUSAL_ICMP */
	LB_REFUSAL_ICMP,  /* port unreachable where there is no service, host unreachable where there is no backend */
	LB_REFUSAL_ECHO,  /* not for services: an echo request is answered */
};

enum lb_service_flag {
	LB_SERVICE_VIP = 1 << 0,         /* the record of an address: protocol and port 0 */
	LB_SERVICE_CLIENT_IP = 1 << 1,   /* hash by source address only */
	LB_SERVICE_ECHO = 1 << 2,        /* VIP: answer echo requests (the control plane follows "when healthy") */
	LB_SERVICE_RANGES = 1 << 3,      /* VIP: it has services in lb_ranges */
	LB_SERVICE_ANY_TCP = 1 << 4,     /* VIP: it has a service (TCP, port 0) */
	LB_SERVICE_ANY_UDP = 1 << 5,     /* VIP: it has a service (UDP, port 0) */
	LB_SERVICE_SNAT = 1 << 6,        /* nat: the source becomes ours too */
	LB_SERVICE_ENTROPY = 1 << 7,     /* ipip: the low bits of the outer source come from the flow */
	LB_SERVICE_REMEMBER_OFF = 1 << 8, /* TCP too goes by hash alone: no table while slots move */
	LB_SERVICE_TTL_ERROR = 1 << 9,   /* VIP: say so when a TTL runs out here: the balancer is seen in a traceroute */
};

/*
 * A service, or the VIP's own record (protocol 0, port 0), which every VIP has. A service of any port has port 0. A VIP
 * record with a ring is a service for whatever no other takes. One cache line. `ring`, `flags` and each policy may
 * change in place; the key may not.
 */
struct lb_service {
	__be32 address[4];
	__be16 port;
	__u8 protocol;   /* IPPROTO_TCP, IPPROTO_UDP; 0: the VIP's record */
	__u8 prefix;     /* 0: a host address; else prefix length + 1, of the 128 bits above, and address is the network's */
	__u32 flags;     /* enum lb_service_flag */
	__u32 ring;      /* number of a ring; 0: no backend at all */
	__u32 seed;      /* of the flow hash: the same on every node */
	__u8 mode;       /* enum lb_mode */
	__u8 udp;        /* enum lb_udp */
	__u8 fragments;  /* enum lb_fragments */
	__u8 no_backend; /* enum lb_refusal */
	__u8 no_service; /* enum lb_refusal; VIP records */
	__u8 entropy_bits; /* with LB_SERVICE_ENTROPY: of the outer source, 1–32 */
	__u16 mss;       /* MSS of clients' SYNs is lowered to this; 0: left alone */
	__u32 idle;      /* seconds after which a tracked UDP flow or a NAT flow is forgotten; 0: the defaults */
	__u8 quic_id_offset; /* of the server id in a short header's connection id */
	__u8 quic_id_length; /* bytes of server id, 1–4 */
	__u8 quic_cid_length; /* of the connection ids this service's servers give out */
	__u8 reserved1;
	__u32 fragment_tcp;  /* VIP: the service (LB_FRAGMENTS_HASH3) that takes later fragments of TCP; 0: none */
	__u32 fragment_udp;  /* … of UDP. A VIP that has services with LB_FRAGMENTS_TRACK says so in `fragments` too */
	__u32 reserved[2];
};

/* Services of port ranges: a range is cut into aligned blocks, each a prefix. */
struct lb_range_key {
	__u32 prefix_length; /* 48 + the bits of port that count */
	__be32 vip;          /* number of the VIP's record */
	__u8 protocol;
	__u8 zero;
	__be16 port;
};

/* VIPs that are prefixes: the number of the VIP's record. */
struct lb_prefix_key {
	__u32 prefix_length; /* of the 128 bits */
	__be32 address[4];
};

/*
 * A slot of a ring: current backend | previous << 16.
 *
 *   previous 0          steady: every flow of the slot belongs to current
 *   previous a backend  settling, until the ring's deadline: new connections go to current, others to previous, and
 *                       both are remembered; after the deadline as pinned
 *   previous LB_PINNED  remembered connections keep their backend, all others go to current
 *
 * A flow has slot (hash >> 32) * size >> 32 of its ring. current 0 is no backend.
 */
enum lb_slot_layout {
	LB_SLOT_PREVIOUS_SHIFT = 16,
	LB_SLOTS_PER_LINE = 16,
	LB_PINNED = 0xffff,
};

/* A ring: where its slots are. One cache line, of which the packet path writes one word. */
struct lb_ring {
	__u64 place;    /* first slot << 32 | number of slots */
	__u64 deadline; /* until which slots with a previous backend are settling */
	__u64 settle;   /* how long a refused insert keeps them settling, beyond the deadline */
	__u64 refused;  /* written by packets: when an insert was last refused, 0: never */
	__u64 reserved[4];
};

enum lb_backend_state {
	LB_BACKEND_ALIVE = 1 << 0,    /* may get packets; without it, remembered connections are given up */
	LB_BACKEND_RESOLVED = 1 << 1, /* ifindex, mtu and MAC addresses may be used while the lease lasts */
};

/* Of the headers that tunnels put in front. */
enum lb_outer_header {
	LB_OUTER_TTL = 64,
};

enum lb_backend_flag {
	LB_BACKEND_IPV6 = 1 << 0,   /* family of its address */
	LB_BACKEND_LOCAL = 1 << 1,  /* on this host: the packet is the kernel's, as it came */
};

/*
 * A backend, and how to reach it. One cache line. The address, source, flags and port of a number never change. To
 * change the next hop: take LB_BACKEND_RESOLVED out of `state`, wait longer than any packet takes, write, put it back;
 * meanwhile packets ask the kernel's FIB.
 */
struct lb_backend {
	__u32 state;         /* enum lb_backend_state */
	__u16 flags;         /* enum lb_backend_flag */
	__u16 mtu;           /* of the way to it, layer 3 */
	__u32 ifindex;       /* a port, or a VLAN interface on one */
	__u8 destination[6]; /* MAC addresses of the next hop and of our interface */
	__u8 source_mac[6];
	__u32 outer_sum;     /* of an IPv4 header of ours to it, as far as it is always the same: see lb_write_ipv4 */
	__be16 port;         /* nat: the port it listens on, 0: the one asked for */
	__be16 gue_port;     /* gue: its UDP port */
	__be32 address[4];
	__be32 source[4];    /* outer source of tunnels, SNAT address of nat: ours */
};

/*
 * What packets find by number, in a map of one element: the kernel's own way to an element of an array takes the number
 * through memory, and a packet goes from table to table, waiting for each. Here one look-up is all, and the rest is
 * adding. Records lie in one cache line each.
 */
struct lb_tables {
	struct lb_service services[LB_SERVICES_MAX];
	struct lb_backend backends[LB_BACKENDS_MAX];
	struct lb_ring rings[LB_RINGS_MAX];
	__u64 filter[LB_FILTER_WORDS]; /* a bit for each address that is a VIP */
	__u64 index[LB_INDEX_ENTRIES];
	__u32 slots[LB_SLOTS_MAX];
};

/* A flow as packets of the client have it. */
struct lb_flow_key {
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 zero[3];
};

enum lb_flow_flag {
	LB_FLOW_OLDER = 1 << 0,   /* began before the change: it was sent to the previous backend */
	LB_FLOW_CLOSING = 1 << 1, /* the client sent FIN or RST */
};

/* Who has a flow. Packets write `seen` when it is a second old, and `flags`. */
struct lb_flow {
	__u64 seen;
	__u32 ring;
	__u32 slot;
	__u16 backend;
	__u16 flags; /* enum lb_flow_flag */
	__u32 service;
};

/* Which fragments belong together (RFC 791 3.2, RFC 8200 4.5). */
struct lb_fragment_key {
	__be32 source[4];
	__be32 destination[4];
	__u32 id;
	__u32 protocol;
};

/* Where the first fragment went. */
struct lb_fragment {
	__u64 seen;
	__u32 service;
	__u32 backend;
};

/* The backend that gives out connection ids with this server id. */
struct lb_quic_key {
	__u32 ring;
	__u32 server; /* its bytes as a number, first byte highest */
};

/* A CPU's own room, for what is too large for the stack. */
struct lb_scratch {
	struct lb_backend way; /* a next hop found by the kernel's FIB */
	__u64 lookup[8];       /* struct bpf_fib_lookup */
	struct lb_flow flow;   /* about to be remembered */
	struct lb_fragment_key fragment;
	struct lb_flow_key key; /* of the flow that is being looked for */
};

/* One record: what holds for the whole stage. */
struct lb_settings {
	__u32 prefixes;       /* how many VIPs are prefixes: 0 saves the look-up */
	__u32 syn_budget;     /* flows remembered for a SYN, a second and CPU */
	__u32 other_budget;   /* flows remembered for other packets */
	__u32 answer_budget;  /* ICMP errors, echo replies and resets we send; and again as many errors about sizes */
	__u32 tracked_idle;   /* seconds; where a service says 0 */
	__u32 reserved;
};

/* Budgets as a CPU has used them, in its present second. */
struct lb_budget {
	__u64 second;
	__u32 syns;
	__u32 others;
	__u32 answers;
	__u32 sizes; /* errors that say which size fits */
};

/* Traffic of a service or a backend, per CPU. */
struct lb_traffic {
	__u64 packets;
	__u64 bytes; /* of frames, as they arrived */
	__u64 flows; /* TCP: SYNs; tracked and nat: flows first seen */
};

/* All that a CPU counts of them, by number. */
struct lb_cpu_traffic {
	struct lb_traffic services[LB_SERVICES_MAX];
	struct lb_traffic backends[LB_BACKENDS_MAX];
};

/* What else is counted, per CPU: index into lb_events. */
enum lb_event {
	LB_EVENT_REMEMBERED_SYN,   /* flow remembered for a SYN */
	LB_EVENT_REMEMBERED_OTHER, /* … for another packet: a connection older than the change */
	LB_EVENT_REFUSED_SYN,      /* not remembered: budget */
	LB_EVENT_REFUSED_OTHER,
	LB_EVENT_REFUSED_FULL,     /* not remembered: no room */
	LB_EVENT_FOUND,            /* remembered flow found */
	LB_EVENT_GIVEN_UP,         /* its backend was down: it went to the current one */
	LB_EVENT_HELPER,           /* next hop asked from the kernel's FIB */
	LB_EVENT_QUIC_ID,          /* backend found by the connection id */
	LB_EVENT_FRAGMENT_FOUND,   /* backend found by the first fragment */
	LB_EVENT_COUNT,
};

#endif
