// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Counts packets that were lost after the verdict, from the kernel's tracepoints.
 *
 * XDP_REDIRECT and XDP_TX are promises: the driver moves frames to the other interface later, in bulks, and what it
 * cannot get rid of is gone without any counter of the packet path knowing. The tracepoint of errors and that of
 * exceptions fire for nothing else. That of bulks fires once for each bulk, lost or not: two comparisons there.
 *
 * Tracepoints are the whole machine's, so every program first asks whether this is ours: the map that was redirected
 * through, or the interface's network namespace. Loading them takes CAP_PERFMON and the kernel's own BTF; the packet path
 * does not need them.
 */
#include "headrace/kernel.h"
#include "headrace/abi.h"
#include "headrace/losses-abi.h"

#define READ_BY_BTF __attribute__((preserve_access_index))

/* As much of the kernel's structures as is read; where it lies is found at load. */
struct ns_common {
	unsigned int inum;
} READ_BY_BTF;

struct net {
	struct ns_common ns;
} READ_BY_BTF;

struct net_reference {
	struct net *net;
};

struct net_device {
	int ifindex;
	struct net_reference nd_net;
} READ_BY_BTF;

/* Whose losses these are. */
const volatile __u32 own_netns;      /* inode of the network namespace */
const volatile __u32 own_tx_ports;   /* ids of the maps that are redirected through */
const volatile __u32 own_able_ports;

/* The packet path's: an interface's slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct port);
	__uint(max_entries, PORTS_MAX);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct losses);
	__uint(max_entries, SLOTS_MAX);
} losses SEC(".maps");

/* Errors as the kernel counts them, whose names its headers for programs do not have. */
#define EBUSY 16
#define ENXIO 6
#define ENOSPC 28
#define EMSGSIZE 90
#define EOPNOTSUPP 95
#define ENETDOWN 100
#define ENOBUFS 105

static __always_inline enum loss_cause cause_of(int error)
{
	switch (error) {
	case -ENETDOWN:
		return LOSS_DOWN;
	case -EOPNOTSUPP:
		return LOSS_NO_XDP_TRANSMIT;
	case -ENXIO:
		return LOSS_NO_RECEIVER;
	case -EMSGSIZE:
		return LOSS_TOO_LONG;
	case 0:
	case -EBUSY:
	case -ENOSPC:
	case -ENOBUFS:
		return LOSS_QUEUE_FULL;
	default:
		return LOSS_OTHER;
	}
}

static __always_inline void count_lost(__u32 ifindex, enum loss_cause cause, __u64 packets)
{
	const struct port *port = bpf_map_lookup_elem(&ports, &ifindex);
	__u32 slot = port ? port->slot : 0;
	struct losses *lost = bpf_map_lookup_elem(&losses, &slot);

	if (lost)
		lost->packets[cause] += packets;
}

static __always_inline _Bool is_ours(const struct net_device *device)
{
	return device->nd_net.net->ns.inum == own_netns;
}

/* The redirect failed as soon as it was tried: (device, program, target, error, map type, map id, key). The key of our
 * maps is the interface to leave by. */
SEC("tp_btf/xdp_redirect_err")
int headrace_redirect_err(const __u64 *arguments)
{
	__u32 map = arguments[5];

	if (map == own_tx_ports || map == own_able_ports)
		count_lost(arguments[6], cause_of((int)arguments[3]), 1);
	return 0;
}

/* A bulk went to the driver: (from, to, sent, dropped, error). */
SEC("tp_btf/xdp_devmap_xmit")
int headrace_devmap_xmit(const __u64 *arguments)
{
	int dropped = (int)arguments[3];
	const struct net_device *to;

	if (dropped <= 0)
		return 0;
	to = (const struct net_device *)arguments[1];
	if (is_ours(to))
		count_lost(to->ifindex, cause_of((int)arguments[4]), dropped);
	return 0;
}

/* A driver could not do what a verdict says: (device, program, verdict). Failed redirects are told of above as well. */
SEC("tp_btf/xdp_exception")
int headrace_exception(const __u64 *arguments)
{
	const struct net_device *device;

	if ((__u32)arguments[2] != XDP_TX)
		return 0;
	device = (const struct net_device *)arguments[0];
	if (is_ours(device))
		count_lost(device->ifindex, LOSS_TX, 1);
	return 0;
}

/* TypeScript gets the names from the BTF. */
const enum loss_cause *const loss_cause_for_btf __attribute__((unused));

char _license[] SEC("license") = "Dual BSD/GPL";
