// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Carries health checks the way clients' packets go: to the VIP, on exactly one backend, in the mode of the service.
 *
 * What this host sends never meets the packet path, so a check connects to an address that stands for (VIP, backend) and
 * is routed to one end of a veth pair. At the other end headrace_probe puts the VIP in its place (in mode nat the
 * backend's own address and port), wraps the packet by the very functions that wrap clients' packets, and redirects it
 * to the backend's next hop. The backend answers from the VIP to this host, by whatever interface; there
 * headrace_probe_answer puts the made-up address back and hands the packet to the first end of the pair, so that the
 * socket, connection tracking and rp_filter see one conversation with one address.
 *
 *     check ──▶ 240.0.0.7 ──▶ veth ══ headrace_probe ──▶ VIP on backend 3 ─ ─ ▶ answers
 *       ▲                      ▲                                                │
 *       └──────────────────────┴──────────── headrace_probe_answer ◀── port ◀ ─ ┘
 *
 * A backend that is down gets checks all the same. TCP and UDP without IP options, extension headers or fragments; what
 * does not fit is dropped, which the check finds out.
 *
 * Needs Linux 6.6 for the answers (tcx).
 */
#include "headrace/abi.h"
#include "headrace/kernel.h"
#include "headrace/balance-forward.h"
#include "headrace/probe-abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct probe_key);
	__type(value, struct probe_way);
	__uint(max_entries, PROBE_WAYS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} probe_ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct probe_flow_key);
	__type(value, struct probe_flow);
	__uint(max_entries, PROBE_FLOWS_MAX);
} probe_flows SEC(".maps");

const volatile __u32 probe_ifindex = 0; /* the end of the pair that checks leave by */
const volatile __u8 probe_mac[ETH_ALEN] = {};

/* What a checksum becomes when words that sum up to `was` become others that sum up to `is` (RFC 1624). */
static __always_inline __u16 checksum_replaced(__u16 check, __u64 was, __u64 is)
{
	return ~fold((__u64)(__u16)~check + (__u16)~fold(was) + fold(is));
}

static __always_inline void retarget_transport(void *l4, const void *end, __u8 protocol, __u64 was, __u64 is, __be16 port)
{
	struct tcphdr *tcp = l4;
	struct udphdr *udp = l4;

	if (protocol == IPPROTO_TCP && (void *)(tcp + 1) <= end) {
		tcp->check = checksum_replaced(tcp->check, was + tcp->dest, is + port);
		tcp->dest = port;
	} else if (protocol == IPPROTO_UDP && (void *)(udp + 1) <= end) {
		if (udp->check)
			udp->check = checksum_replaced(udp->check, was + udp->dest, is + port) ?: 0xffff;
		udp->dest = port;
	}
}

static __always_inline __u64 sum_of(const __be32 *words)
{
	return (__u64)words[0] + words[1] + words[2] + words[3];
}

/* Another destination for the packet, which is known to be whole. */
static __always_inline int retarget(struct xdp_md *ctx, const struct packet *packet, const __be32 *address, __be16 port)
{
	const void *end = (void *)(long)ctx->data_end;
	void *l3 = (void *)(long)ctx->data + ETH_HLEN;

	if (packet->family == AF_INET) {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		ip->check = checksum_replaced(ip->check, ip->daddr, address[3]);
		retarget_transport(ip + 1, end, packet->protocol, ip->daddr, address[3], port);
		ip->daddr = address[3];
	} else {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return 0;
		retarget_transport(ip + 1, end, packet->protocol, sum_of(ip->daddr.s6_addr32), sum_of(address), port);
		__builtin_memcpy(&ip->daddr, address, sizeof(ip->daddr));
	}
	return 1;
}

/* `flow`: from the socket, as if its packet were the answer: own is its source, peer its destination. */
static __always_inline int read_probe(struct xdp_md *ctx, struct packet *packet, struct probe_flow_key *flow)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const __be16 *port;

	packet->frame_length = bpf_xdp_get_buff_len(ctx);
	packet->l3_offset = ETH_HLEN;
	packet->ingress = ctx->ingress_ifindex;
	if ((const void *)(eth + 1) > end)
		return 0;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		const struct iphdr *ip = (const void *)(eth + 1);

		port = (const void *)(ip + 1);
		if ((const void *)(port + 2) > end || ip->version != 4 || ip->ihl != 5 ||
		    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
			return 0;
		packet->family = AF_INET;
		packet->protocol = ip->protocol;
		packet->ip_length = bpf_ntohs(ip->tot_len);
		flow->own[2] = flow->peer[2] = bpf_htonl(0xffff);
		flow->own[3] = ip->saddr;
		flow->peer[3] = ip->daddr;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		const struct ipv6hdr *ip = (const void *)(eth + 1);

		port = (const void *)(ip + 1);
		if ((const void *)(port + 2) > end || ip->version != 6)
			return 0;
		packet->family = AF_INET6;
		packet->protocol = ip->nexthdr;
		packet->ip_length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
		__builtin_memcpy(flow->own, &ip->saddr, sizeof(flow->own));
		__builtin_memcpy(flow->peer, &ip->daddr, sizeof(flow->peer));
	} else {
		return 0;
	}
	if ((packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) ||
	    packet->ip_length > packet->frame_length - ETH_HLEN)
		return 0;
	flow->protocol = packet->protocol;
	flow->own_port = packet->source_port = port[0];
	flow->peer_port = packet->destination_port = port[1];
	return 1;
}

static __always_inline int same_address(const __be32 *a, const __be32 *b)
{
	return lb_word(a) == lb_word(b) && lb_word(a + 2) == lb_word(b + 2);
}

/* As lb_forward does it, but for what hangs on whether the backend is alive, and for the answers to senders. */
static __always_inline int carry(struct xdp_md *ctx, const struct packet *packet, const struct probe_way *to)
{
	const struct lb_service *service = lb_service(to->service);
	const struct lb_backend *way = lb_backend(to->backend);
	struct departure out = {.l3_offset = ETH_HLEN};
	__u32 overhead, flow = (packet->source_port | (__u32)packet->destination_port << 16) * LB_HASH_A_HIGH;
	struct ethhdr *eth;
	void *l3, *end;
	int grow;

	if (!service || !way)
		return XDP_DROP;
	if (!(LB_READ_ONCE(way->state) & LB_BACKEND_RESOLVED) || !lease_valid()) {
		struct lb_scratch *scratch = lb_my_scratch();

		if (!scratch || !lb_ask_way(ctx, to->backend, service->mode, packet->ingress))
			return XDP_DROP;
		way = &scratch->way;
	}
	overhead = lb_overhead(service->mode, way);
	if (packet->ip_length + overhead > way->mtu)
		return XDP_DROP;
	out.verdict = leave_by(ctx, packet, way->ifindex, BALANCED);
	if (feature_vlan && out.verdict == VERDICT_PASS)
		leave_tagged(ctx, packet, way->ifindex, &out, BALANCED);
	if (out.verdict != VERDICT_REDIRECT)
		return XDP_DROP;
	grow = (int)(overhead + out.l3_offset) - ETH_HLEN;
	if (grow && bpf_xdp_adjust_head(ctx, -grow))
		return XDP_DROP;
	end = (void *)(long)ctx->data_end;
	l3 = network_header(ctx, out.l3_offset);
	if (overhead ? !lb_encapsulate(l3, end, packet, service, way, flow) : !lb_decrement_ttl(l3, end, packet->family))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)eth + ETH_HLEN + VLAN_TAGS_MAX * VLAN_HLEN > end)
		return XDP_DROP;
	__builtin_memcpy(eth->h_dest, way->destination, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way->source_mac, ETH_ALEN);
	write_tags(eth, &out, overhead ? (way->flags & LB_BACKEND_IPV6 ? AF_INET6 : AF_INET) : packet->family);
	return XDP_REDIRECT;
}

SEC("xdp")
int headrace_probe(struct xdp_md *ctx)
{
	struct packet packet = {};
	struct probe_flow_key flow = {};
	struct probe_flow back = {};
	const struct probe_way *to;
	const struct lb_service *service;
	const struct lb_backend *backend;
	__be16 port;

	if (!read_probe(ctx, &packet, &flow))
		return XDP_DROP;
	to = bpf_map_lookup_elem(&probe_ways, flow.peer);
	if (!to || !same_address(to->source, flow.own))
		return XDP_DROP;
	service = lb_service(to->service);
	backend = lb_backend(to->backend);
	if (!service || !backend)
		return XDP_DROP;
	__builtin_memcpy(back.address, flow.peer, sizeof(back.address));
	back.port = port = packet.destination_port;
	if (service->mode == LB_MODE_NAT) {
		if (backend->port)
			port = backend->port;
		__builtin_memcpy(flow.peer, backend->address, sizeof(flow.peer));
	} else {
		__builtin_memcpy(flow.peer, to->vip, sizeof(flow.peer));
	}
	flow.peer_port = port;
	if (bpf_map_update_elem(&probe_flows, &flow, &back, BPF_ANY) || !retarget(ctx, &packet, flow.peer, port))
		return XDP_DROP;
	return carry(ctx, &packet, to);
}

static __always_inline int next_program(void)
{
	return -1; /* TCX_NEXT */
}

/*
 * On what comes in by ports, before the kernel's own stages. Costs a look-up for each packet that is left to the kernel.
 *
 * The checksum of the whole packet, where the card has given one, is kept right by the helpers. In IPv6 nothing makes up
 * for the change of the address but the transport's checksum itself, so there the sum of the whole stays what it was.
 */
SEC("tc")
int headrace_probe_answer(struct __sk_buff *skb)
{
	struct probe_flow_key flow = {};
	const struct probe_flow *back;
	__u32 l4, check, mangled = 0;
	struct ipv6hdr ip6;
	struct iphdr ip;
	__be16 port[2];

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || ip.ihl != 5 ||
		    ip.frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET))
			return next_program();
		l4 = ETH_HLEN + sizeof(ip);
		flow.protocol = ip.protocol;
		flow.own[2] = flow.peer[2] = bpf_htonl(0xffff);
		flow.own[3] = ip.daddr;
		flow.peer[3] = ip.saddr;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
			return next_program();
		l4 = ETH_HLEN + sizeof(ip6);
		flow.protocol = ip6.nexthdr;
		__builtin_memcpy(flow.own, &ip6.daddr, sizeof(flow.own));
		__builtin_memcpy(flow.peer, &ip6.saddr, sizeof(flow.peer));
	} else {
		return next_program();
	}
	if (flow.protocol == IPPROTO_TCP) {
		check = l4 + __builtin_offsetof(struct tcphdr, check);
	} else if (flow.protocol == IPPROTO_UDP) {
		check = l4 + __builtin_offsetof(struct udphdr, check);
		mangled = BPF_F_MARK_MANGLED_0;
	} else {
		return next_program();
	}
	if (bpf_skb_load_bytes(skb, l4, port, sizeof(port)))
		return next_program();
	flow.peer_port = port[0];
	flow.own_port = port[1];
	back = bpf_map_lookup_elem(&probe_flows, &flow);
	if (!back)
		return next_program();

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__be32 source = back->address[3];

		bpf_l3_csum_replace(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, check), flow.peer[3], source, sizeof(source));
		bpf_l4_csum_replace(skb, check, flow.peer[3], source, BPF_F_PSEUDO_HDR | mangled | sizeof(source));
		bpf_skb_store_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, saddr), &source, sizeof(source), 0);
	} else {
		struct probe_flow copy = *back;
		__s64 difference = bpf_csum_diff(flow.peer, sizeof(flow.peer), copy.address, sizeof(copy.address), 0);

		bpf_l4_csum_replace(skb, check, 0, difference, mangled);
		bpf_skb_store_bytes(skb, ETH_HLEN + __builtin_offsetof(struct ipv6hdr, saddr), copy.address,
				    sizeof(copy.address), 0);
	}
	if (port[0] != back->port) {
		__be16 was = back->port;

		bpf_l4_csum_replace(skb, check, port[0], was, mangled | sizeof(was));
		bpf_skb_store_bytes(skb, l4, &was, sizeof(was), 0);
	}
	if (skb->vlan_present)
		bpf_skb_vlan_pop(skb);
	{
		__u8 mac[ETH_ALEN];
		int i;

		for (i = 0; i < ETH_ALEN; i++)
			mac[i] = probe_mac[i];
		bpf_skb_store_bytes(skb, 0, mac, sizeof(mac), 0);
	}
	return bpf_redirect(probe_ifindex, BPF_F_INGRESS);
}

const enum probe_capacity *const probe_capacity_for_btf __attribute__((unused));

char _license[] SEC("license") = "Dual BSD/GPL";
