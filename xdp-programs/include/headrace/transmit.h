/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Out of an interface: by a port as it is, or with the tags of a VLAN interface by the port below it.
 *
 * Every question is asked before the first byte changes. bpf_redirect_map only notes its target, so it comes first, and
 * a packet whose egress cannot take it is passed up as it arrived. Room for tags is made (or taken) last, and if there
 * is none the packet still is as it arrived; what could fail behind that is dropped, and counted.
 *
 * An untagged packet for a port pays for tags with two comparisons: a VLAN interface is looked for only when the egress
 * is not a port.
 */
#ifndef HEADRACE_TRANSMIT_H
#define HEADRACE_TRANSMIT_H

#include "checksum.h"
#include "maps.h"
#include "packet.h"
#include "tags.h"

/* How a packet leaves. */
struct departure {
	enum verdict verdict; /* TX or REDIRECT; PASS: not at all */
	__u32 l3_offset;      /* of its IP header then */
	struct vlan_tag outer;
	struct vlan_tag inner;
};

/* Whose packet leaves. Rules and queues that the operator has on a port are for the kernel to apply to what is routed:
 * such a port is none for it. What is balanced the kernel cannot send, so there all that counts is the driver. */
enum departing {
	ROUTED,
	BALANCED,
};

/* TX or REDIRECT through this port, or PASS when it can't. */
static __always_inline enum verdict leave_by(struct xdp_md *ctx, const struct packet *packet, __u32 port,
					     const enum departing what)
{
	__u32 able = what == BALANCED ? PORT_ABLE : PORT_TRANSMITS;

	/* veth wakes the far end of an XDP_TX only if that runs XDP itself: frames would lie in its ring until another
	 * came. A redirect to the same port wakes whoever can receive. */
	if (port == ctx->ingress_ifindex && !(packet->port_flags & PORT_VIRTUAL))
		return packet->port_flags & able ? VERDICT_TX : VERDICT_PASS;
	if (what == BALANCED)
		return bpf_redirect_map(&able_ports, port, XDP_PASS) == XDP_REDIRECT ? VERDICT_REDIRECT : VERDICT_PASS;
	return bpf_redirect_map(&tx_ports, port, XDP_PASS) == XDP_REDIRECT ? VERDICT_REDIRECT : VERDICT_PASS;
}

/* The same by a VLAN interface. */
static __always_inline void leave_tagged(struct xdp_md *ctx, const struct packet *packet, __u32 ifindex,
					 struct departure *out, const enum departing what)
{
	const struct vlan_egress *vlan = bpf_map_lookup_elem(&vlan_egress, &ifindex);

	if (!vlan || !vlan->port || (what == ROUTED && vlan->balanced_only))
		return;
	out->l3_offset = ETH_HLEN + VLAN_HLEN;
	out->outer = vlan->outer;
	if (vlan->inner.protocol) {
		out->l3_offset += VLAN_HLEN;
		out->inner = vlan->inner;
	}
	/* A redirect loses without a word what is longer than this; the kernel's own path leaves it to the driver. */
	if (packet->ip_length + out->l3_offset <= vlan->frame_max)
		out->verdict = leave_by(ctx, packet, vlan->port, what);
}

/* The frame from its start to the IP header, when tags came or went. */
static __always_inline void write_tags(struct ethhdr *eth, const struct departure *out, __u8 family)
{
	struct vlan_header *tag = (void *)(eth + 1);
	__be16 type = family == AF_INET ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);

	if (out->l3_offset == ETH_HLEN) {
		eth->h_proto = type;
		return;
	}
	eth->h_proto = out->outer.protocol;
	tag[0].tci = out->outer.tci;
	if (out->l3_offset == ETH_HLEN + VLAN_HLEN) {
		tag[0].type = type;
		return;
	}
	tag[0].type = out->inner.protocol;
	tag[1].tci = out->inner.tci;
	tag[1].type = type;
}

/* Sends the packet out of fib->ifindex, or says why it can't. */
static __always_inline int transmit(struct xdp_md *ctx, const struct packet *packet, const struct bpf_fib_lookup *fib,
				    const enum departing what)
{
	struct departure out = {.verdict = leave_by(ctx, packet, fib->ifindex, what), .l3_offset = ETH_HLEN};
	__u32 excess = packet->frame_length - packet->l3_offset - packet->ip_length;
	void *end, *l3;
	struct ethhdr *eth;
	int grow = 0;

	if (feature_vlan && out.verdict == VERDICT_PASS)
		leave_tagged(ctx, packet, fib->ifindex, &out, what);
	if (out.verdict == VERDICT_PASS)
		return pass(REASON_EGRESS_UNABLE);

	if (feature_vlan) {
		grow = (int)out.l3_offset - packet->l3_offset;
		if (grow && bpf_xdp_adjust_head(ctx, -grow))
			return pass(REASON_NO_HEADROOM);
	}
	/* What stands behind the IP packet is padding, and not ours to carry on. */
	if (excess && bpf_xdp_adjust_tail(ctx, -(int)excess))
		return grow ? verdict(VERDICT_DROP, REASON_MALFORMED) : pass(REASON_MALFORMED);

	end = (void *)(long)ctx->data_end;
	eth = (void *)(long)ctx->data;
	l3 = feature_vlan ? network_header(ctx, out.l3_offset) : (void *)(eth + 1);
	if (packet->family == AF_INET) {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return verdict(VERDICT_DROP, REASON_TRUNCATED);
		ipv4_decrement_ttl(ip);
	} else {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return verdict(VERDICT_DROP, REASON_TRUNCATED);
		ip->hop_limit--;
	}
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	if (feature_vlan && (packet->l3_offset != ETH_HLEN || out.l3_offset != ETH_HLEN))
		write_tags(eth, &out, packet->family);
	return verdict(out.verdict, REASON_FORWARDED);
}

#endif
