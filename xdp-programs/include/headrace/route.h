/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Last stage: ask the kernel's FIB where the packet goes, and send it there (transmit.h).
 *
 * The interface a packet came in by is packet->ingress, which for tagged frames is a VLAN interface and no port.
 * BPF_FIB_LOOKUP_DIRECT is not used: it skips policy rules, and once any rule ever existed it no longer
 * sees this host's addresses.
 *
 * With feature_mirror the tables of mirror.h are asked before the helper, and answer only what is plain.
 */
#ifndef HEADRACE_ROUTE_H
#define HEADRACE_ROUTE_H

#include "lease.h"
#include "maps.h"
#include "mirror.h"
#include "packet.h"
#include "transmit.h"
#include "unresolved.h"

const volatile _Bool feature_rp_filter = 1;

static __always_inline enum reason reason_of_lookup(long result)
{
	switch (result) {
	case BPF_FIB_LKUP_RET_BLACKHOLE:
		return REASON_BLACKHOLE;
	case BPF_FIB_LKUP_RET_UNREACHABLE:
		return REASON_UNREACHABLE;
	case BPF_FIB_LKUP_RET_PROHIBIT:
		return REASON_PROHIBIT;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return REASON_LOCAL;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return REASON_FORWARDING_OFF;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
		return REASON_ENCAPSULATED_ROUTE;
	case BPF_FIB_LKUP_RET_FRAG_NEEDED:
		return REASON_FRAG_NEEDED;
	default:
		return REASON_LOOKUP_ERROR;
	}
}

/*
 * May this source come in by this interface? The kernel's fib_validate_source for IPv4: never from our own or a
 * broadcast address; under rp_filter only from where the route back leads (strict, RFC 3704 2.2) or from where any
 * route leads (loose). MAC addresses and MTU are not asked for, so an unresolved neighbor is an answer too.
 *
 * A function of its own: it is not asked for while the lease lasts, and its lookup would take stack of everybody.
 */
__noinline int check_route_back(struct xdp_md *ctx, __u32 port_flags, __u32 ingress, __u32 l3_offset)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct iphdr *ip = network_header(ctx, l3_offset);
	struct bpf_fib_lookup back = {};
	long result;

	if ((const void *)(ip + 1) > end)
		return pass(REASON_TRUNCATED);
	back.family = AF_INET;
	back.tos = ip->tos;
	back.l4_protocol = ip->protocol;
	back.ipv4_src = ip->daddr;
	back.ipv4_dst = ip->saddr;
	back.ifindex = ingress;
	result = bpf_fib_lookup(ctx, &back, sizeof(back), 0);
	if (result == BPF_FIB_LKUP_RET_NOT_FWDED)
		return pass(REASON_MARTIAN_SOURCE);
	if (!(port_flags & (PORT_RP_STRICT | PORT_RP_LOOSE)))
		return NEXT;
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH)
		return pass(REASON_REVERSE_PATH);
	if (port_flags & PORT_RP_STRICT && back.ifindex != ingress)
		return pass(REASON_REVERSE_PATH);
	return NEXT;
}

/* Is this surely none of our addresses? */
static __always_inline int stranger(__be32 source)
{
	__u32 bit = (source * (__u32)STRANGER_FACTOR) >> STRANGER_SHIFT, word = bit / 64;
	const __u64 *bits = bpf_map_lookup_elem(&strangers, &word);

	return bits && *bits >> (bit % 64) & 1;
}

static __always_inline int check_source(struct xdp_md *ctx, const struct packet *packet, __be32 source)
{
	__u32 reverse = feature_rp_filter ? packet->port_flags & (PORT_RP_STRICT | PORT_RP_LOOSE) : 0;

	if (!reverse && lease_valid())
		return !stranger(source) && bpf_map_lookup_elem(&own_v4, &source) ? pass(REASON_MARTIAN_SOURCE) : NEXT;
	return check_route_back(ctx, reverse, packet->ingress, packet->l3_offset);
}

static __always_inline int zero_mac(const __u8 *mac)
{
	const __u16 *m = (const void *)mac;

	return !(m[0] | m[1] | m[2]);
}

/* Does the mirror answer for the kernel? The helper's own question, whether the ingress forwards, is a flag here.
 *
 * A function of its own: what it keeps on the stack would be everybody's, and the balancer needs all there is. */
static __noinline int mirror_knows(__u32 port_flags, struct bpf_fib_lookup *fib)
{
	__u32 forwards = fib->family == AF_INET ? PORT_MIRROR_IPV4 : PORT_MIRROR_IPV6;

	return port_flags & forwards && fib_mirror_lookup(fib) == BPF_FIB_LKUP_RET_SUCCESS;
}

static __always_inline int route(struct xdp_md *ctx, struct packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	struct bpf_fib_lookup fib __attribute__((aligned(8))) = {}; /* cleared in words of 8 bytes */
	__u32 forwarded = REASON_FORWARDED; /* by whom: a reason costs nothing to count */
	long result;

	fib.family = packet->family;
	fib.l4_protocol = packet->protocol;
	fib.sport = packet->source_port;
	fib.dport = packet->destination_port;
	fib.tot_len = packet->ip_length;
	fib.ifindex = packet->ingress;
	if (packet->family == AF_INET) {
		const struct iphdr *ip = network_header(ctx, packet->l3_offset);
		int answer;

		if ((const void *)(ip + 1) > end)
			return pass(REASON_TRUNCATED);
		answer = check_source(ctx, packet, ip->saddr);
		if (answer)
			return answer;
		fib.tos = ip->tos;
		fib.ipv4_src = ip->saddr;
		fib.ipv4_dst = ip->daddr;
	} else {
		const struct ipv6hdr *ip = network_header(ctx, packet->l3_offset);

		if ((const void *)(ip + 1) > end)
			return pass(REASON_TRUNCATED);
		fib.flowinfo = *(const __be32 *)ip & bpf_htonl(IPV6_FLOWINFO_MASK);
		__builtin_memcpy(fib.ipv6_src, &ip->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &ip->daddr, sizeof(fib.ipv6_dst));
	}

	if (feature_mirror && mirror_knows(packet->port_flags, &fib)) {
		forwarded = REASON_FORWARDED_MIRROR;
	} else {
		result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
		/* Kernels before 6.3 answer with a MAC address of zeros for a neighbor that failed. */
		if (result == BPF_FIB_LKUP_RET_NO_NEIGH ||
		    (result == BPF_FIB_LKUP_RET_SUCCESS && zero_mac(fib.dmac)))
			return unresolved(fib.ifindex, packet->slot);
		if (result != BPF_FIB_LKUP_RET_SUCCESS)
			return pass(reason_of_lookup(result));
	}
	packet->egress = fib.ifindex;
	result = transmit(ctx, packet, &fib, ROUTED);
	return (result & 0xff) == REASON_FORWARDED ? result | forwarded : result;
}

#endif
