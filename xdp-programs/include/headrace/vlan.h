/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * VLAN interfaces as the packet path knows them: by their tag on the way in, by their ifindex on the way out.
 *
 * In: (interface below, tag) is an interface, and that may be the interface below of a second tag, just as the kernel
 * strips one tag after the other (vlan_do_receive). Out: one record says the port and all tags at once.
 */
#ifndef HEADRACE_VLAN_H
#define HEADRACE_VLAN_H

#include <linux/types.h>

#define VLAN_HLEN 4
#define VLAN_VID_MASK 0x0fff
/* A frame may have this many tags; one with more is the kernel's. */
#define VLAN_TAGS_MAX 2
#define VLANS_MAX 16384

struct vlan_key {
	__u32 lower;     /* ifindex of the interface below: a port, a bond, or another VLAN interface */
	__be16 protocol; /* 802.1Q or 802.1ad */
	__u16 vid;
};

struct vlan_tag {
	__be16 protocol; /* 0: no tag */
	__be16 tci;      /* priority, drop eligible, VLAN identifier */
};

/* Where packets for a VLAN interface leave; zeros for an interface that is none, or whose packets are the kernel's. */
struct vlan_egress {
	__u32 port;      /* ifindex, as in tx_ports and able_ports */
	__u32 frame_max; /* bytes: the longest frame that the port takes from a redirect */
	__u32 balanced_only; /* what is routed is the kernel's to send: the operator has rules there */
	struct vlan_tag outer;
	struct vlan_tag inner;
};

#endif
