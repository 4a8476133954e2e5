/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What packets look like to those who watch: captures (headrace capture) and samples (sFlow).
 */
#ifndef HEADRACE_TAP_ABI_H
#define HEADRACE_TAP_ABI_H

#include <linux/types.h>

enum tap_layout {
	TAP_BYTES_MAX = 2048, /* of a packet, each way */
	TAP_SAMPLE_BYTES = 128,
	TAP_MATCH_BYTES = 96, /* the deepest a filter looks: two tags, IPv4 options, ports */
	TAP_REASON_WORDS = 4,
};

enum tap_condition {
	TAP_FAMILY = 1 << 0,
	TAP_PROTOCOL = 1 << 1,
	TAP_SOURCE = 1 << 2,
	TAP_DESTINATION = 1 << 3,
	TAP_HOST = 1 << 4, /* `source` holds an address that either end may have */
	TAP_SOURCE_PORT = 1 << 5,
	TAP_DESTINATION_PORT = 1 << 6,
	TAP_PORT = 1 << 7, /* `source_port` is the port of either end */
};

/* IPv4 addresses lie in the first word, the others are 0. Network byte order. */
struct tap_prefix {
	__be32 address[4];
	__be32 mask[4];
};

/* Which packets are captured, and which sampled. One record; changed as a whole, while nothing is captured. */
struct tap_filter {
	__u32 capturing;   /* 0: no */
	__u32 sample_rate; /* one packet in so many is sampled; 0: none */
	__u32 ifindex;     /* of arrival; 0: any */
	__u32 snap;        /* bytes of each packet */
	__u32 rate;        /* packets a second and CPU; more are counted and not captured */
	__u32 verdicts;    /* bit set of enum verdict */
	__u64 reasons[TAP_REASON_WORDS]; /* bit set of enum reason */
	__u32 conditions;  /* enum tap_condition: all must hold */
	__u8 family;
	__u8 protocol;
	__be16 source_port;
	__be16 destination_port;
	__u16 reserved;
	__u32 reserved2;
	struct tap_prefix source;
	struct tap_prefix destination;
};

/* What is said of a packet. */
struct tap_header {
	__u64 time;    /* nanoseconds, CLOCK_MONOTONIC, at its arrival */
	__u32 ingress; /* ifindex */
	__u32 egress;  /* ifindex; 0: not transmitted */
	__u32 length;  /* of the frame as it came in, bytes */
	__u32 out_length;
	__u32 pool;    /* samples: packets that could have been this one, since the sample before on this CPU */
	__u32 missed;  /* samples: those lost since then, for want of room */
	__u32 cpu;
	__u16 captured; /* bytes of it that follow */
	__u16 out_captured;
	__u8 verdict; /* enum verdict */
	__u8 reason;  /* enum reason */
	__u16 reserved;
	__u32 reserved2;
};

/* A packet as it came in and, when it was transmitted, as it went out: right behind the former. */
struct tap_packet {
	struct tap_header header;
	__u8 bytes[2 * TAP_BYTES_MAX];
};

/* What a filter compares with. */
struct tap_view {
	__be32 source[4]; /* as in struct tap_prefix */
	__be32 destination[4];
	__u8 family;   /* 0: neither IPv4 nor IPv6 */
	__u8 header;   /* protocol and addresses are known */
	__u8 ports;    /* ports are known */
	__u8 protocol; /* behind a fragment header; of other extension headers, the first */
	__be16 source_port;
	__be16 destination_port;
};

/* What a CPU remembers between packets, and the place where a record is put together. */
struct tap_state {
	__u32 gap;  /* packets from the last sample to the next */
	__u32 pool; /* packets since the last sample, that one included */
	__u32 sample_lost; /* samples since then that the ring had no room for */
	__u32 offset; /* where the headers are looked for */
	__u64 window; /* quarter of a second that `spent` counts in */
	__u32 spent;
	__u32 reserved;
	__u64 captured;
	__u64 missed;  /* the ring was full */
	__u64 limited; /* beyond `rate` */
	__u64 sampled;
	__u64 sample_missed;
	struct tap_view view;
	struct tap_packet packet;
};

#endif
