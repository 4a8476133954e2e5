// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * For a real server without tunnel devices: takes off what a balancer put around packets for a VIP (IPv4 or IPv6 in
 * either, with or without GUE), and passes the packet up as if it had come so.
 *
 * Only packets for the VIPs in `decap_vips` are unwrapped: anybody can send a tunnel packet, and what is inside shall
 * not reach addresses that nobody offered. Everything else is passed up as it came. The checksum of a GUE header is not
 * looked at: the packet's own protects what matters. Frames with VLAN tags are passed up: attach to the VLAN
 * interface, which runs the program in generic mode.
 *
 * What routers between balancer and server said of congestion stands in the outer header, and is carried over (RFC 6040).
 */
#include "headrace/checksum.h"
#include "headrace/kernel.h"

#define DECAP_VIPS_MAX 4096

/* VIPs that this server answers for; IPv4 as ::ffff:a.b.c.d. */
struct decap_vip {
	__be32 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct decap_vip);
	__type(value, __u32);
	__uint(max_entries, DECAP_VIPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} decap_vips SEC(".maps");

/* Per CPU: how many were unwrapped. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} decap_packets SEC(".maps");

/* Per CPU: how many were dropped, because they met congestion and their sender understands no other word of it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} decap_congested SEC(".maps");

const volatile __u16 gue_port = GUE_PORT; /* 0: no GUE */

/* What is inside, by the number of the protocol outside; 0: nothing of ours. */
static __always_inline __be16 inner_type(__u8 protocol)
{
	if (protocol == IPPROTO_IPIP)
		return bpf_htons(ETH_P_IP);
	return protocol == IPPROTO_IPV6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* GUE version 1 has no header of its own: the IP version says what follows. */
static __always_inline __be16 inner_type_of_gue(const struct udphdr *udp, const void *end)
{
	const __u8 *inner = (const void *)(udp + 1);

	if ((const void *)(inner + 1) > end || !gue_port || udp->dest != bpf_htons(gue_port))
		return 0;
	return *inner >> 4 == 4 ? bpf_htons(ETH_P_IP) : *inner >> 4 == 6 ? bpf_htons(ETH_P_IPV6) : 0;
}

/* Is the packet inside whole, and for a VIP? `room`: bytes the outer packet has for it. */
static __always_inline int offered(const void *inner, const void *end, __be16 type, __u32 room)
{
	struct decap_vip vip = {};

	if (type == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = inner;

		if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 || bpf_ntohs(ip->tot_len) > room)
			return 0;
		vip.address[2] = bpf_htonl(0xffff);
		vip.address[3] = ip->daddr;
	} else {
		const struct ipv6hdr *ip = inner;

		if ((const void *)(ip + 1) > end || ip->version != 6 || bpf_ntohs(ip->payload_len) + sizeof(*ip) > room)
			return 0;
		__builtin_memcpy(vip.address, &ip->daddr, sizeof(vip.address));
	}
	return !!bpf_map_lookup_elem(&decap_vips, &vip);
}

static __always_inline void count_in(void *map)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(map, &zero);

	if (count)
		(*count)++;
}

/* Explicit congestion notification (RFC 3168 5): the low two bits of TOS and traffic class. */
#define ECN_MASK 3
#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE 3
#define ECN_DROP 4

/* What is inside becomes, by what is outside (RFC 6040 4.2). */
static __always_inline __u8 ecn_of_both(__u8 inner, __u8 outer)
{
	if (outer == ECN_CE)
		return inner ? ECN_CE : ECN_DROP;
	return outer == ECN_ECT1 && inner == ECN_ECT0 ? ECN_ECT1 : inner;
}

/* Carries over what the outer header says of congestion. 0: the packet has to be dropped. */
static __always_inline int carry_ecn(void *inner, __be16 type, __u8 outer)
{
	__u8 was, now;

	if (type == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = inner;

		was = ip->tos & ECN_MASK;
		now = ecn_of_both(was, outer);
		if (now == ECN_DROP)
			return 0;
		if (now != was) {
			ip->check = ~fold((__u64)(__u16)~ip->check + (__u16)~bpf_htons(was) + bpf_htons(now));
			ip->tos = (ip->tos & ~ECN_MASK) | now;
		}
	} else {
		__u8 *bytes = inner;

		was = bytes[1] >> 4 & ECN_MASK;
		now = ecn_of_both(was, outer);
		if (now == ECN_DROP)
			return 0;
		bytes[1] = (bytes[1] & ~(ECN_MASK << 4)) | now << 4;
	}
	return 1;
}

/* Takes `outer` bytes away behind the Ethernet header, where they have been looked at. */
static __always_inline int unwrap(struct xdp_md *ctx, int outer, __be16 type, void *inner, __u8 ecn)
{
	struct ethhdr *eth = (void *)(long)ctx->data, was;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (!carry_ecn(inner, type, ecn & ECN_MASK)) {
		count_in(&decap_congested);
		return XDP_DROP;
	}
	was = *eth;
	if (bpf_xdp_adjust_head(ctx, outer))
		return XDP_PASS;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = was;
	eth->h_proto = type;
	count_in(&decap_packets);
	return XDP_PASS;
}

static __always_inline int decap4(struct xdp_md *ctx, struct iphdr *ip, const void *end)
{
	struct udphdr *udp = (void *)(ip + 1);
	__be16 type;
	__u32 room;

	if ((const void *)(udp + 1) > end || ip->ihl != 5 || ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
		return XDP_PASS;
	room = bpf_ntohs(ip->tot_len) - sizeof(*ip);
	type = inner_type(ip->protocol);
	if (type)
		return offered(ip + 1, end, type, room) ? unwrap(ctx, sizeof(*ip), type, ip + 1, ip->tos) : XDP_PASS;
	type = ip->protocol == IPPROTO_UDP ? inner_type_of_gue(udp, end) : 0;
	if (type && offered(udp + 1, end, type, room - sizeof(*udp)))
		return unwrap(ctx, sizeof(*ip) + sizeof(*udp), type, udp + 1, ip->tos);
	return XDP_PASS;
}

static __always_inline int decap6(struct xdp_md *ctx, struct ipv6hdr *ip, const void *end)
{
	struct udphdr *udp = (void *)(ip + 1);
	__be16 type;
	__u32 room;
	__u8 ecn;

	if ((const void *)(udp + 1) > end)
		return XDP_PASS;
	room = bpf_ntohs(ip->payload_len);
	ecn = ((const __u8 *)ip)[1] >> 4;
	type = inner_type(ip->nexthdr);
	if (type)
		return offered(ip + 1, end, type, room) ? unwrap(ctx, sizeof(*ip), type, ip + 1, ecn) : XDP_PASS;
	type = ip->nexthdr == IPPROTO_UDP ? inner_type_of_gue(udp, end) : 0;
	if (type && offered(udp + 1, end, type, room - sizeof(*udp)))
		return unwrap(ctx, sizeof(*ip) + sizeof(*udp), type, udp + 1, ecn);
	return XDP_PASS;
}

SEC("xdp.frags")
int headrace_decap(struct xdp_md *ctx)
{
	const void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((const void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return decap4(ctx, (void *)(eth + 1), end);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return decap6(ctx, (void *)(eth + 1), end);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
