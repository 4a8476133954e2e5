/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Why a packet got its verdict. The names become the `reason` label of headrace_packets_total, in lower case and
 * without the prefix; new reasons go to the end of their group only before the first release, afterwards to the end.
 */
#ifndef HEADRACE_REASONS_H
#define HEADRACE_REASONS_H

enum reason {
	REASON_FORWARDED,           /* routed by the fast path */

	/* parse: not ours to judge, so the kernel's */
	REASON_UNKNOWN_PORT,        /* arrived where the control plane attached nothing */
	REASON_NETFILTER,           /* the port's traffic is the kernel's, because of the operator's rules */
	REASON_TRUNCATED,           /* headers end beyond the frame */
	REASON_OTHER_ETHERTYPE,     /* neither IPv4 nor IPv6: ARP, LLDP, … */
	REASON_OTHER_HOST,          /* frame for another MAC address */
	REASON_GROUP_FRAME,         /* broadcast or multicast frame */
	REASON_VLAN,                /* tagged, and no VLAN interface for it */
	REASON_TAGS_HIDDEN,         /* looks untagged, but the port may have taken a tag off */
	REASON_ENSLAVED,            /* the port belongs to a bridge, or to another interface that takes its frames */
	REASON_MALFORMED,           /* version, header length or total length against the frame */
	REASON_BAD_CHECKSUM,        /* IPv4 header checksum */
	REASON_IP_OPTIONS,          /* IPv4 options */
	REASON_EXTENSION_HEADER,    /* IPv6 extension header the kernel must see */
	REASON_MARTIAN_SOURCE,      /* loopback, multicast, unspecified, our own address, … */
	REASON_SPECIAL_DESTINATION, /* loopback, multicast, broadcast, link-local, … */
	REASON_TTL_EXPIRED,         /* TTL or hop limit of 1 or 0 */
	REASON_UNFINISHED_CHECKSUM, /* a local sender left TCP's, UDP's or SCTP's checksum to the hardware */

	/* route: what the FIB answered */
	REASON_LOCAL,               /* for this host, or no route that forwards */
	REASON_NO_NEIGHBOR,         /* next hop not resolved */
	REASON_FRAG_NEEDED,         /* larger than the MTU of the route or the egress */
	REASON_BLACKHOLE,
	REASON_UNREACHABLE,
	REASON_PROHIBIT,
	REASON_FORWARDING_OFF,      /* sysctl forwarding = 0 on the ingress */
	REASON_ENCAPSULATED_ROUTE,  /* lightweight tunnel: the kernel encapsulates */
	REASON_LOOKUP_ERROR,
	REASON_EGRESS_UNABLE,       /* egress does not transmit XDP frames, or none of this length with its tags */
	REASON_NO_HEADROOM,         /* no room in front of the frame for the egress's VLAN tags */
	REASON_REVERSE_PATH,        /* rp_filter would drop it: the kernel does, and counts */
	REASON_FORWARDED_MIRROR,    /* routed by the fast path, by the mirror of the kernel's routes */

	/* balance: packets for a VIP. Refused ones are dropped, or answered (verdict tx) where the service says so */
	REASON_BALANCED,            /* to a backend */
	REASON_BALANCED_LOCAL,      /* the backend is this host */
	REASON_NO_SERVICE,          /* on this port of the VIP */
	REASON_NO_BACKEND,          /* none that is alive */
	REASON_BACKEND_UNRESOLVED,  /* no way to the backend is known */
	REASON_BACKEND_UNABLE,      /* the way leads over an interface that does not transmit XDP frames */
	REASON_VIP_ECHO,            /* echo request */
	REASON_VIP_ICMP,            /* any other ICMP that is not about a flow of the VIP */
	REASON_VIP_FRAGMENT,        /* fragment the service does not take, or whose first one is not known */
	REASON_VIP_UNFIT,           /* options, extension headers, bad lengths or checksums */
	REASON_VIP_TTL,             /* TTL or hop limit of 1 or 0 */
	REASON_VIP_TOO_BIG,         /* does not fit the way to the backend once encapsulated */

	/* nat: packets of translated connections. What goes to a backend is `balanced` */
	REASON_NAT_REPLY,           /* from a backend to its client, with the VIP as its source */
	REASON_NAT_NO_FLOW,         /* from where a backend serves, or a reset, and of no connection */
	REASON_NAT_REFUSED,         /* a new connection, more than are remembered in a second, or than there is room for */
	REASON_NAT_PORTS,           /* a new connection, and no port is free for it */
	REASON_NAT_HAIRPIN,         /* the backend is the client itself, and would answer itself */

	/* what a box left alone must not do */
	REASON_NO_NEIGHBOR_LIMITED, /* next hop not resolved, and enough such packets were handed up this second */
	REASON_DAEMON_LOST,         /* nobody is there to notice the operator's rules (on_daemon_loss: kernel) */

	REASON_COUNT,
};

#endif
