/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Is a packet one that was asked for?
 *
 * Its headers are looked at in the copy, as it came in, and not where the stages noted them: a packet that parsing gave
 * up on before its addresses (for another host, of an unknown VLAN, cut short) is just the kind that somebody looks for,
 * and one that went out has other addresses now.
 *
 * Bytes behind `captured` are an earlier packet's: whatever is read must lie in front of it.
 */
#ifndef HEADRACE_TAP_MATCH_H
#define HEADRACE_TAP_MATCH_H

#include "packet.h"
#include "tags.h"
#include "tap-maps.h"

/* A place in the copy. Through memory: where a number is a constant on one path and not on another, it may not become
 * part of an address without CAP_PERFMON. */
static __always_inline const __u8 *tap_at(struct tap_state *state, __u32 offset)
{
	*(volatile __u32 *)&state->offset = offset;
	return &state->packet.bytes[*(volatile __u32 *)&state->offset & 127];
}

static __always_inline __be16 tap_short(const __u8 *at)
{
	return *(const __be16 *)at;
}

/* The ports at `l4`; 0: not to be found. */
static __always_inline void tap_view_ports(struct tap_state *state, struct tap_view *view, __u32 captured, __u32 l4)
{
	const __u8 *ports;

	switch (view->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		break;
	default:
		return;
	}
	if (l4 == 0 || l4 + 4 > captured)
		return;
	ports = tap_at(state, l4);
	view->source_port = tap_short(ports);
	view->destination_port = tap_short(ports + 2);
	view->ports = 1;
}

static __always_inline __u32 tap_view_ipv4(struct tap_state *state, struct tap_view *view, __u32 captured, __u32 l3)
{
	const __u8 *ip = tap_at(state, l3);

	view->family = AF_INET;
	if (l3 + sizeof(struct iphdr) > captured)
		return 0;
	view->header = 1;
	view->protocol = ip[9];
	view->source[0] = *(const __be32 *)(ip + 12);
	view->destination[0] = *(const __be32 *)(ip + 16);
	if ((ip[0] & 15) < 5 || tap_short(ip + 6) & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return 0;
	return l3 + 4 * (ip[0] & 15);
}

static __always_inline __u32 tap_view_ipv6(struct tap_state *state, struct tap_view *view, __u32 captured, __u32 l3)
{
	const __u8 *ip = tap_at(state, l3);
	__u32 l4 = l3 + sizeof(struct ipv6hdr);

	view->family = AF_INET6;
	if (l4 > captured)
		return 0;
	view->header = 1;
	view->protocol = ip[6];
	__builtin_memcpy(view->source, ip + 8, 16);
	__builtin_memcpy(view->destination, ip + 24, 16);
	if (ip[6] != IPPROTO_FRAGMENT || l4 + 8 > captured)
		return l4;
	view->protocol = ip[40];
	return tap_short(ip + 42) & bpf_htons(0xfff8) ? 0 : l4 + 8;
}

/* Fills `view`. Verified by itself, once. */
__noinline int tap_view_headers(void)
{
	__u32 zero = 0, captured, l3 = ETH_HLEN, l4 = 0;
	struct tap_state *state = bpf_map_lookup_elem(&tap_state, &zero);
	struct tap_view *view;
	__be16 type;

	if (!state)
		return 0;
	view = &state->view;
	__builtin_memset(view, 0, sizeof(*view));
	captured = state->packet.header.captured;
	type = tap_short(state->packet.bytes + 12);
	if (is_tag(type)) {
		l3 += VLAN_HLEN;
		type = tap_short(state->packet.bytes + 16);
	}
	if (is_tag(type)) {
		l3 += VLAN_HLEN;
		type = tap_short(state->packet.bytes + 20);
	}
	if (l3 > captured)
		return 0;
	if (type == bpf_htons(ETH_P_IP))
		l4 = tap_view_ipv4(state, view, captured, l3);
	else if (type == bpf_htons(ETH_P_IPV6))
		l4 = tap_view_ipv6(state, view, captured, l3);
	tap_view_ports(state, view, captured, l4);
	return 0;
}

static __always_inline int tap_in_prefix(const struct tap_prefix *prefix, const __be32 *address)
{
	__be32 difference = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		difference |= (address[i] ^ prefix->address[i]) & prefix->mask[i];
	return !difference;
}

static __always_inline int tap_headers_match(const struct tap_filter *filter, const struct tap_view *view)
{
	__u32 c = filter->conditions;

	if (c & TAP_FAMILY && view->family != filter->family)
		return 0;
	if (c & ~TAP_FAMILY && !view->header)
		return 0;
	if (c & TAP_PROTOCOL && view->protocol != filter->protocol)
		return 0;
	if (c & TAP_HOST && !tap_in_prefix(&filter->source, view->source) &&
	    !tap_in_prefix(&filter->source, view->destination))
		return 0;
	if (c & TAP_SOURCE && !tap_in_prefix(&filter->source, view->source))
		return 0;
	if (c & TAP_DESTINATION && !tap_in_prefix(&filter->destination, view->destination))
		return 0;
	/* What has no ports has not the port 0 either. */
	if (c & (TAP_SOURCE_PORT | TAP_DESTINATION_PORT | TAP_PORT) && !view->ports)
		return 0;
	if (c & TAP_SOURCE_PORT && view->source_port != filter->source_port)
		return 0;
	if (c & TAP_DESTINATION_PORT && view->destination_port != filter->destination_port)
		return 0;
	return !(c & TAP_PORT) || view->source_port == filter->source_port || view->destination_port == filter->source_port;
}

static __always_inline int tap_matches(const struct tap_filter *filter, const struct tap_state *state,
				       const struct packet *packet, __u32 verdict, __u32 reason)
{
	/* By its port, or by the VLAN interface or bond it was found to belong to. */
	if (filter->ifindex && filter->ifindex != state->packet.header.ingress && filter->ifindex != packet->ingress)
		return 0;
	if (!(filter->verdicts >> (verdict & 31) & 1))
		return 0;
	if (!(filter->reasons[(reason >> 6) & (TAP_REASON_WORDS - 1)] >> (reason & 63) & 1))
		return 0;
	if (!filter->conditions)
		return 1;
	tap_view_headers();
	return tap_headers_match(filter, &state->view);
}

#endif
