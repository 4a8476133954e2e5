/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Sends a packet to its backend: as it is (l2), in another IP packet (ipip), or in UDP and IP (gue).
 *
 * The backend's record says where it is reached, as long as the control plane vouches for it (lease); otherwise the
 * kernel's FIB is asked. What has no way is dropped and counted, never passed up: the kernel owns no VIP and would route
 * the packet on by its own table.
 *
 * Everything is decided before the first byte changes. TTL and hop limit go down by one as at any router (RFC 2003 3.1,
 * RFC 2473 3.1), so that balancers that send to each other in a circle stop.
 */
#ifndef HEADRACE_BALANCE_FORWARD_H
#define HEADRACE_BALANCE_FORWARD_H

#include "balance-clamp.h"
#include "balance-pick.h"
#include "checksum.h"
#include "count.h"
#include "nat-write.h"
#include "route.h"
#include "transmit.h"
#include "unfinished.h"

#define LB_TCP_FLAGS 13 /* offset in the header */
#define LB_TCP_FIN 0x01
#define LB_TCP_SYN 0x02
#define LB_TCP_RST 0x04
#define LB_TCP_ACK 0x10
#define LB_GUE_PORTS 0xc000 /* UDP source ports from here on: 14 bits of the flow's hash */

static __always_inline int lb_drop(enum reason reason)
{
	return verdict(VERDICT_DROP, reason);
}

/* Asks the kernel's FIB for the way to a backend, into the scratch. */
__noinline int lb_ask_way(struct xdp_md *ctx, __u32 number, __u32 mode, __u32 ingress)
{
	const struct lb_backend *backend = lb_backend(number);
	struct lb_scratch *scratch = lb_my_scratch();
	struct bpf_fib_lookup *fib;
	struct lb_backend *way;

	if (!backend || !scratch)
		return 0;
	lb_event(LB_EVENT_HELPER);
	way = &scratch->way;
	fib = (void *)scratch->lookup;
	*way = *backend;
	__builtin_memset(scratch->lookup, 0, sizeof(scratch->lookup));
	fib->ifindex = ingress; /* to the kernel it came by the VLAN interface or bond, and rules may name that */
	if (backend->flags & LB_BACKEND_IPV6) {
		fib->family = AF_INET6;
		__builtin_memcpy(fib->ipv6_src, backend->source, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, backend->address, sizeof(fib->ipv6_dst));
	} else {
		fib->family = AF_INET;
		fib->ipv4_src = backend->source[3];
		fib->ipv4_dst = backend->address[3];
	}
	if (bpf_fib_lookup(ctx, fib, sizeof(*fib), 0) != BPF_FIB_LKUP_RET_SUCCESS || zero_mac(fib->dmac))
		return 0;
	/* By its MAC address a backend is only reached on its own segment: not by way of a gateway. */
	if (mode == LB_MODE_L2) {
		if (!(backend->flags & LB_BACKEND_IPV6)) {
			if (fib->ipv4_dst != backend->address[3])
				return 0;
		} else if (lb_word(fib->ipv6_dst) != lb_word(backend->address) ||
			   lb_word(fib->ipv6_dst + 2) != lb_word(backend->address + 2)) {
			return 0;
		}
	}
	way->ifindex = fib->ifindex;
	way->mtu = fib->mtu_result;
	__builtin_memcpy(way->destination, fib->dmac, ETH_ALEN);
	__builtin_memcpy(way->source_mac, fib->smac, ETH_ALEN);
	return 1;
}

/* Is it known as whom we send to it? What can be resolved has a source; what was never has none yet. */
static __always_inline int lb_has_source(const struct lb_backend *backend)
{
	return !!(lb_word(backend->source) | lb_word(backend->source + 2));
}

/* What stands before the IP packet, beyond the Ethernet header. */
static __always_inline __u32 lb_overhead(enum lb_mode mode, const struct lb_backend *way)
{
	__u32 ip = way->flags & LB_BACKEND_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);

	switch (mode) {
	case LB_MODE_IPIP:
		return ip;
	case LB_MODE_GUE:
		return ip + sizeof(struct udphdr);
	default:
		return 0;
	}
}

static __always_inline int lb_decrement_ttl(void *l3, const void *end, __u8 family)
{
	if (family == AF_INET) {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		ipv4_decrement_ttl(ip);
	} else {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		ip->hop_limit--;
	}
	return 1;
}

/* `entropy`: bits of the source that come from the flow. The sum of what is the same in all such headers to a backend
 * (both addresses, version, "do not fragment" and TTL) stands folded in its record: the rest is a few halves of words. */
static __always_inline void lb_write_ipv4(struct iphdr *outer, const struct lb_backend *way, __u32 length, __u8 tos,
					  __u8 protocol, __be32 entropy)
{
	__u32 *word = (void *)outer, sum = way->outer_sum + bpf_htons(length);
	__be32 source = way->source[3];

	sum += bpf_htons((__u16)tos) + bpf_htons((__u16)protocol);
	if (entropy) { /* ones' complement: taken away by adding the complement */
		__be32 old = source;

		source ^= entropy;
		sum += (__u16)~old + (__u16)~(old >> 16) + (source & 0xffff) + (source >> 16);
	}
	word[0] = bpf_htonl(0x45000000 | (__u32)tos << 16 | length);
	word[1] = bpf_htonl(0x4000); /* do not fragment, and then no id is needed (RFC 6864) */
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	word[2] = bpf_htonl((__u32)LB_OUTER_TTL << 24 | (__u32)protocol << 16);
	outer->check = ~sum;
	word[3] = source;
	word[4] = way->address[3];
}

static __always_inline void lb_write_ipv6(struct ipv6hdr *outer, const struct lb_backend *way, __u32 payload, __u8 tos,
					  __u8 protocol, __u32 hash)
{
	*(__be32 *)outer = bpf_htonl(0x60000000 | (__u32)tos << 20 | (hash & 0xfffff)); /* RFC 6438 */
	outer->payload_len = bpf_htons(payload);
	outer->nexthdr = protocol;
	outer->hop_limit = LB_OUTER_TTL;
	__builtin_memcpy(&outer->saddr, way->source, sizeof(outer->saddr));
	__builtin_memcpy(&outer->daddr, way->address, sizeof(outer->daddr));
}

/*
 * The sum of a packet that will stand behind a UDP header, without reading its payload: the transport checksum of a
 * right packet says it. 0: it cannot be said (no such checksum, or a fragment).
 *
 * IPv4: the header sums to 0, the transport to the complement of its pseudo-header. IPv6: the addresses are in header
 * and pseudo-header alike and cancel each other.
 */
static __always_inline __u32 lb_inner_sum(const void *ip, const void *end, __u8 family, __u8 protocol, __u8 fragment,
					  __u32 ip_length)
{
	__u32 header = family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const struct udphdr *udp = ip + sizeof(struct iphdr);
	__u64 pseudo = bpf_htonl(ip_length - header) + (__u64)bpf_htonl(protocol), sum;

	barrier_var(udp);
	if (family != AF_INET) {
		udp = (const void *)udp + sizeof(struct ipv6hdr) - sizeof(struct iphdr);
		barrier_var(udp);
	}
	if (fragment || (const void *)udp > end)
		return 0;
	switch (protocol) {
	case IPPROTO_UDP:
		if ((const void *)(udp + 1) > end || !udp->check)
			return 0;
		break;
	case IPPROTO_ICMP:
		return family == AF_INET ? 0xffff : 0;
	case IPPROTO_ICMPV6:
	case IPPROTO_TCP:
		break;
	default:
		return 0;
	}
	if (family == AF_INET) {
		const struct iphdr *v4 = ip;

		sum = (__u16)~fold(pseudo + v4->saddr + v4->daddr);
	} else {
		const __u32 *word = ip;

		sum = (__u64)word[0] + word[1] + (__u16)~fold(pseudo);
	}
	return fold(sum) ?: 0xffff;
}

static __always_inline __u32 lb_entropy(const struct lb_service *service, __u32 flow)
{
	if (service->mode != LB_MODE_IPIP || !(service->flags & LB_SERVICE_ENTROPY) || !service->entropy_bits)
		return 0;
	return bpf_htonl(flow & (0xffffffff >> ((32 - service->entropy_bits) & 31)));
}

/* UDP before a packet. `address_sum`: of the outer addresses, when a checksum is due. */
static __always_inline void lb_write_gue(struct udphdr *udp, const void *end, const struct packet *packet,
					 const struct lb_backend *way, __u32 flow, const struct ipv6hdr *outer)
{
	const __u16 *word = (void *)udp;
	__u32 length = packet->ip_length + sizeof(*udp), sum;

	udp->source = bpf_htons(LB_GUE_PORTS | (flow & 0x3fff));
	udp->dest = way->gue_port;
	udp->len = bpf_htons(length);
	udp->check = 0;
	if (!outer)
		return;
	/* Over IPv6 a checksum is due: RFC 6936 leaves it out only where both ends agreed. */
	sum = lb_inner_sum(udp + 1, end, packet->family, packet->protocol, packet->fragment, packet->ip_length);
	if (sum)
		udp->check = (__u16)~fold((__u64)sum + word[0] + word[1] + word[2] + ipv6_address_sum(outer) +
					  bpf_htonl(length) + bpf_htonl(IPPROTO_UDP)) ?:
				     0xffff;
}

static __always_inline __u8 lb_tos(const __u8 *ip, __u8 family)
{
	return family == AF_INET ? ip[1] : (__u8)(ip[0] << 4 | ip[1] >> 4);
}

/* Writes the headers into the room made for them at `l3`, and takes the packet's own TTL down. Every step to the packet
 * is a constant: see behind_tags(). */
static __always_inline int lb_encapsulate(void *l3, const void *end, const struct packet *packet,
					  const struct lb_service *service, const struct lb_backend *way, __u32 flow)
{
	__u8 protocol = packet->family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
	int gue = service->mode == LB_MODE_GUE;
	__u32 length = packet->ip_length + (gue ? sizeof(struct udphdr) : 0);
	void *inner;

	if (gue)
		protocol = IPPROTO_UDP;
	if (way->flags & LB_BACKEND_IPV6) {
		struct ipv6hdr *outer = l3;

		inner = outer + 1;
		if (gue) {
			inner += sizeof(struct udphdr);
			barrier_var(inner);
		}
		if (inner + 2 > end)
			return 0;
		lb_write_ipv6(outer, way, length, lb_tos(inner, packet->family), protocol, flow);
		outer->saddr.s6_addr32[3] ^= lb_entropy(service, flow);
		if (!lb_decrement_ttl(inner, end, packet->family))
			return 0;
		if (gue)
			lb_write_gue((void *)(outer + 1), end, packet, way, flow, outer);
	} else {
		struct iphdr *outer = l3;

		inner = outer + 1;
		if (gue) {
			inner += sizeof(struct udphdr);
			barrier_var(inner);
		}
		if (inner + 2 > end)
			return 0;
		lb_write_ipv4(outer, way, length + sizeof(*outer), lb_tos(inner, packet->family), protocol,
			      lb_entropy(service, flow));
		if (!lb_decrement_ttl(inner, end, packet->family))
			return 0;
		if (gue)
			lb_write_gue((void *)(outer + 1), end, packet, way, flow, NULL);
	}
	return 1;
}

/* The Ethernet header of a frame without tags, in three stores: the record has both MAC addresses in a row. */
static __always_inline void lb_write_ethernet(void *eth, const struct lb_backend *way, int ipv6)
{
	const void *macs = way->destination;

	*(__u64 *)eth = *(const __u64 *)macs;
	*(__u32 *)(eth + 8) = *(const __u32 *)(macs + 8);
	*(__be16 *)(eth + 12) = ipv6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
}

static __always_inline void lb_count_in(struct lb_traffic *traffic, const struct packet *packet, __u32 begins)
{
	traffic->packets++;
	traffic->bytes += packet->frame_length;
	if (begins)
		traffic->flows++;
}

static __always_inline void lb_count(const struct packet *packet, __u32 service, __u32 backend, __u32 begins)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct lb_cpu_traffic *mine;

	if (!feature_counters)
		return;
	mine = bpf_map_lookup_elem(&lb_traffic, &cpu);
	if (!mine)
		return;
	lb_count_in(&mine->services[service & (LB_SERVICES_MAX - 1)], packet, begins);
	lb_count_in(&mine->backends[backend & (LB_BACKENDS_MAX - 1)], packet, begins);
}

static __always_inline void lb_count_target(const struct packet *packet, const struct lb_target *target)
{
	lb_count(packet, target->service, target->backend, target->begins);
}

/* The packet at `at` (offset of the first IP header << 32 | low half of the flow's hash), with room for outer headers
 * made: writes them, and takes the TTL down. Apart from lb_forward, or the verifier would walk this for each way out. */
__noinline int lb_wrap(struct xdp_md *ctx, const struct packet *packet, const struct lb_service *service,
		       const struct lb_backend *way, __u64 at)
{
	const void *end = (void *)(long)ctx->data_end;
	void *l3 = network_header(ctx, at >> 32);

	if (!packet || !service || !way)
		return 0;
	if (service->mode == LB_MODE_IPIP || service->mode == LB_MODE_GUE)
		return lb_encapsulate(l3, end, packet, service, way, at);
	if (feature_nat && service->mode == LB_MODE_NAT) {
		if (!nat_write(ctx, packet, at >> 32))
			return 0;
		end = (void *)(long)ctx->data_end;
		l3 = network_header(ctx, at >> 32);
	}
	return lb_decrement_ttl(l3, end, packet->family);
}

/* Sends the packet to its backend. */
__noinline int lb_forward(struct xdp_md *ctx, const struct packet *packet, struct lb_target *target)
{
	const struct lb_service *service;
	const struct lb_backend *way;
	struct lb_scratch *scratch;
	struct departure out = {.l3_offset = ETH_HLEN};
	__u32 state, overhead, excess;
	struct ethhdr *eth;
	int grow;

	if (!packet || !target)
		return lb_drop(REASON_NO_SERVICE);
	service = lb_service(target->service);
	way = target->backend ? lb_backend(target->backend) : NULL;
	if (!service)
		return lb_drop(REASON_NO_SERVICE);
	state = way ? LB_READ_ONCE(way->state) : 0;
	if (!(state & LB_BACKEND_ALIVE))
		return lb_refuse(target, REASON_NO_BACKEND, service->no_backend);
	if (way->flags & LB_BACKEND_LOCAL) {
		lb_count_target(packet, target);
		return pass(REASON_BALANCED_LOCAL);
	}
	if (!(state & LB_BACKEND_RESOLVED) || !lease_valid()) {
		if (!lb_ask_way(ctx, target->backend, service->mode, packet->ingress))
			return lb_drop(REASON_BACKEND_UNRESOLVED);
		scratch = lb_my_scratch();
		if (!scratch)
			return lb_drop(REASON_BACKEND_UNRESOLVED);
		way = &scratch->way;
	}
	if (!feature_nat && service->mode == LB_MODE_NAT) /* never as if it were l2 */
		return lb_drop(REASON_BACKEND_UNABLE);
	overhead = lb_overhead(service->mode, way);
	if (overhead && !lb_has_source(way)) /* a way was found, and it is not known yet what we are called there */
		return lb_drop(REASON_BACKEND_UNRESOLVED);
	if (packet->ip_length + overhead > way->mtu) {
		target->mtu = way->mtu - overhead;
		return lb_refuse(target, REASON_VIP_TOO_BIG, LB_REFUSAL_ICMP);
	}
	out.verdict = leave_by(ctx, packet, way->ifindex, BALANCED);
	if (feature_vlan && out.verdict == VERDICT_PASS)
		leave_tagged(ctx, packet, way->ifindex, &out, BALANCED);
	if (out.verdict == VERDICT_PASS)
		return lb_drop(REASON_BACKEND_UNABLE);
	target->egress = way->ifindex;
	if (target->begins && service->mss && packet->protocol == IPPROTO_TCP)
		lb_clamp(ctx, packet, service->mss);

	grow = (int)(overhead + out.l3_offset) - packet->l3_offset;
	if (grow && bpf_xdp_adjust_head(ctx, -grow))
		return lb_drop(REASON_NO_HEADROOM);
	excess = packet->frame_length - packet->l3_offset - packet->ip_length;
	if (excess && bpf_xdp_adjust_tail(ctx, -(int)excess))
		return lb_drop(REASON_VIP_UNFIT);
	if (!lb_wrap(ctx, packet, service, way, (__u64)out.l3_offset << 32 | (__u32)target->hash))
		return lb_drop(REASON_VIP_UNFIT);
	eth = (void *)(long)ctx->data;
	if ((void *)eth + ETH_HLEN + VLAN_TAGS_MAX * VLAN_HLEN > (void *)(long)ctx->data_end)
		return lb_drop(REASON_VIP_UNFIT);
	__builtin_memcpy(eth->h_dest, way->destination, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way->source_mac, ETH_ALEN);
	if (overhead || packet->l3_offset != ETH_HLEN || out.l3_offset != ETH_HLEN)
		write_tags(eth, &out, overhead ? (way->flags & LB_BACKEND_IPV6 ? AF_INET6 : AF_INET) : packet->family);
	lb_count_target(packet, target);
	return verdict(out.verdict, REASON_BALANCED);
}

#endif
