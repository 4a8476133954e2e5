/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs that carry health checks (probe.bpf.c) and the control plane share. Addresses are IPv6, or IPv4 as
 * ::ffff:a.b.c.d, in network byte order. */
#ifndef HEADRACE_PROBE_ABI_H
#define HEADRACE_PROBE_ABI_H

#include <linux/types.h>

enum probe_capacity {
	PROBE_WAYS_MAX = 65536,
	PROBE_FLOWS_MAX = 32768,
};

/* An address that stands for a VIP on one backend: what a check connects to. */
struct probe_key {
	__be32 address[4];
};

struct probe_way {
	__be32 vip[4];
	__be32 source[4]; /* the address of ours that the check comes from; others may not use this way */
	__u32 service;    /* number of one of its service's records */
	__u32 backend;
};

/* How an answer looks when it comes in. */
struct probe_flow_key {
	__be32 own[4];
	__be32 peer[4];
	__be16 own_port;
	__be16 peer_port;
	__u32 protocol;
};

/* From whom the check takes it. */
struct probe_flow {
	__be32 address[4];
	__be16 port;
	__u16 zero;
};

#endif
