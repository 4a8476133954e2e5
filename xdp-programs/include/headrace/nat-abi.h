/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the translation of addresses (forwarding mode nat) and the control plane share: connections, and where replies
 * come from.
 *
 * A connection is two entries, one for each direction, and each says what its packets become. The client's entry is the
 * one that knows the connection's state; the backend's is found by its packets, and leads to the other:
 *
 *   client → VIP        becomes   client or SNAT address → backend
 *   backend → client …  becomes   VIP → client
 *
 * A connection begins in nat_opening, an LRU, where all that floods bring competes with itself. When client and backend
 * have both spoken, and the client again, it moves to nat_flows, which is a plain hash that nothing is pushed out of.
 *
 * IPv4 addresses are written as IPv4-mapped IPv6 addresses, in network byte order, as in balance-abi.h. Times are
 * nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef HEADRACE_NAT_ABI_H
#define HEADRACE_NAT_ABI_H

#include <linux/types.h>

/* Entries, of which a connection takes two. Memory of nat_flows is taken as they come. */
#define NAT_FLOWS_MAX 1048576
#define NAT_OPENING_MAX 131072
#define NAT_FRAGMENTS_MAX 16384
#define NAT_SOURCES_MAX 65536
#define NAT_POOLS_MAX 16384

enum nat_layout {
	NAT_FILTER_WORDS = 1024, /* of 64 bits: bit (hash of an address >> 48), hashed as for lb_filter */
	NAT_POOL_ADDRESSES = 8,
};

enum nat_direction {
	NAT_FORWARD, /* from the client */
	NAT_REPLY,   /* from the backend */
};

/* As conntrack has them, as far as a client notices. */
enum nat_state {
	NAT_NONE,
	NAT_SYN_SENT,    /* the client asked for a connection */
	NAT_SYN_RECV,    /* the backend agreed */
	NAT_PICKED_UP,   /* TCP that began before anything was remembered of it, and is not confirmed by its backend */
	NAT_ESTABLISHED,
	NAT_FIN,         /* one side has closed */
	NAT_CLOSED,      /* both have */
	NAT_RESET,
	NAT_UDP,         /* the client has not gone on since the backend answered, if it did */
	NAT_UDP_STREAM,
	NAT_STATE_COUNT,
};

enum nat_flow_flag {
	NAT_REPLIED = 1 << 0,        /* the backend has spoken */
	NAT_CLIENT_CLOSED = 1 << 1,  /* FIN of the client */
	NAT_BACKEND_CLOSED = 1 << 2, /* FIN of the backend */
	NAT_SOURCE_CHANGED = 1 << 3, /* the client's address is not what the backend sees */
};

/* A packet as it arrives. */
struct nat_key {
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u8 protocol;
	__u8 direction; /* enum nat_direction */
	__u8 zero[2];
};

/* What it becomes. One cache line, the map's own fields aside. */
struct nat_flow {
	__u64 seen;     /* at least a second's part ago: the last packet; in the client's entry of either direction */
	__u32 touched;  /* low half of jiffies64 when `seen` was written: cheaper to ask for than the time */
	__u32 service;
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u16 backend;
	__u8 state;     /* enum nat_state; in the client's entry */
	__u8 flags;     /* enum nat_flow_flag */
	__u32 sequence; /* NAT_SYN_RECV: the number in the backend's SYN, host byte order */
	__u32 reserved;
};

/* Where replies come from: a backend's address and the port it serves at. */
struct nat_source_key {
	__be32 address[4];
	__be16 port;    /* 0: any, because the service has a range of ports or all of them */
	__u8 protocol;
	__u8 zero;
};

/* Whence backends see the connections of a service with LB_SERVICE_SNAT, by the service's number. Without an entry:
 * `source` of the backend, and the ports of nat_settings. */
struct nat_pool {
	__u32 count;         /* of addresses; 0: `source` of the backend */
	__u16 port_first;    /* 0: those of nat_settings */
	__u16 port_last;
	__be32 addresses[32]; /* NAT_POOL_ADDRESSES of 4 words */
};

/* What the other fragments of a packet become. */
struct nat_fragment {
	__u64 seen;
	__u32 service;
	__u32 backend;
	__be32 source[4];
	__be32 destination[4];
};

/* One record: what holds for all connections. */
struct nat_settings {
	__u16 port_first;   /* of the ports that are given to connections whose own is taken */
	__u16 port_last;
	__u32 route_strays; /* packets of a service's backend and port that belong to no connection are routed, not dropped */
};

/* An IP packet to be changed anywhere in a frame: the packet itself, or one quoted by an error. */
struct nat_edit {
	__u32 ip;        /* offset of its header */
	__u32 transport; /* offset of its ports; 0: it has none here */
	__u32 end;       /* offset of the first byte that is not its own */
	__u32 family;
	__u32 protocol;
	__u32 sum;       /* answer: what a sum over all of it grows by */
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u32 unfinished; /* its transport checksum is the bare sum of the pseudo-header */
};

/* What a packet is about to become, decided before its first byte changes. */
struct nat_change {
	__be32 source[4];
	__be32 destination[4];
	__be16 source_port;
	__be16 destination_port;
	__u32 kind;      /* enum nat_change_kind */
	__u32 transport; /* first fragment: offset of the ports behind the IP header; error: of the quoted packet's */
	__u32 quoted;    /* error: offset of the quoted packet behind the IP header; else 0 */
	__u32 protocol;  /* error: of the quoted packet */
	__u32 outer_source; /* error: its own source changes too */
};

enum nat_change_kind {
	NAT_CHANGE_NOTHING,
	NAT_CHANGE_FLOW,      /* addresses and ports of a whole packet */
	NAT_CHANGE_FIRST,     /* the same of a first fragment */
	NAT_CHANGE_ADDRESSES, /* a later fragment */
	NAT_CHANGE_ERROR,     /* ICMP: the packet it quotes, and its own addresses */
	NAT_CHANGE_UNFINISHED, /* a whole packet, whose checksum the kernel is to finish */
};

/* A CPU's own room. */
struct nat_scratch {
	struct nat_key key;    /* of the packet */
	struct nat_key peer;   /* of the other direction */
	struct nat_flow fresh; /* entries about to be made */
	struct nat_flow back;
	struct nat_change to;
	struct nat_edit edit;
	struct nat_fragment fragment;
	__u64 lookup[8];       /* struct bpf_fib_lookup */
};

/* What else is counted, per CPU: index into nat_events. */
enum nat_event {
	NAT_EVENT_BEGUN,          /* connection remembered for its first packet */
	NAT_EVENT_ESTABLISHED,    /* moved to nat_flows */
	NAT_EVENT_REFUSED_BUDGET, /* not begun: too many in this second */
	NAT_EVENT_REFUSED_FULL,   /* not moved to nat_flows: no room; it stays where a flood may push it out */
	NAT_EVENT_PORTS,          /* not begun: no port was free */
	NAT_EVENT_PORT_CHANGED,   /* the client's own port was taken */
	NAT_EVENT_GIVEN_UP,       /* its backend was down: it went to another */
	NAT_EVENT_ERROR,          /* ICMP error about a connection, translated */
	NAT_EVENT_COUNT,
};

#endif
