/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whose is the packet: the flow it belongs to, and the service that has the flow.
 *
 * The hashes are defined in balance-abi.h; the control plane computes the same. Everything here runs in line and calls
 * nothing, except for VIPs that have port ranges or are prefixes.
 */
#ifndef HEADRACE_BALANCE_LOOKUP_H
#define HEADRACE_BALANCE_LOOKUP_H

#include "balance-maps.h"
#include "packet.h"

#define LB_READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define LB_WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))

static __always_inline __u64 lb_word(const void *at)
{
	return *(const __u64 *)at;
}

/* The second half of an IPv4-mapped address; the first is 0. */
static __always_inline __u64 lb_mapped(__be32 address)
{
	return (__u64)address << 32 | bpf_htonl(0xffff);
}

static __always_inline void lb_map_ipv4(__be32 *to, __be32 address)
{
	*(__u64 *)to = 0;
	*(__u64 *)(to + 2) = lb_mapped(address);
}

static __always_inline __u64 lb_where(const __be32 *address)
{
	return lb_word(address) * LB_HASH(A) + lb_word(address + 2) * LB_HASH(B);
}

/* The hash by which a key stands in the index: see enum lb_index_layout. */
static __always_inline __u64 lb_index_hash(__u64 where, __u32 rest)
{
	__u64 hash = where + rest * LB_HASH(C);

	hash = (hash ^ hash >> 32) * LB_HASH(D);
	return hash ^ hash >> 32;
}

static __always_inline int lb_filter_has(const struct lb_tables *tables, __u64 where)
{
	__u32 bit = where >> LB_FILTER_SHIFT;

	return tables && tables->filter[bit / 64 & (LB_FILTER_WORDS - 1)] >> (bit % 64) & 1;
}

static __always_inline int lb_same_key(const struct lb_service *service, const __be32 *address, __u32 rest)
{
	return !((lb_word(service->address) ^ lb_word(address)) | (lb_word(service->address + 2) ^ lb_word(address + 2)) |
		 (*(const __u32 *)&service->port ^ rest));
}

/* Could an address be a VIP? */
static __always_inline int lb_maybe_address(const struct lb_tables *tables, __u64 where)
{
	const struct lb_settings *now;

	if (lb_filter_has(tables, where))
		return 1;
	now = bpf_map_lookup_elem(&lb_settings, (const void *)&lb_only);
	return now && now->prefixes;
}

struct lb_address {
	__be32 word[4];
} __attribute__((aligned(8)));

/*
 * Functions that are not static are verified once, by themselves, and not again for every way that leads to them.
 *
 * Number of the service with this key; 0: none. `rest`: port, protocol and prefix as they lie in the record.
 */
__noinline __u32 lb_find(const struct lb_address *wanted, __u64 where, __u32 rest)
{
	const __be32 *address = (const __be32 *)wanted;
	__u64 hash = lb_index_hash(where, rest);
	const struct lb_tables *tables = lb_my_tables();
	__u32 position, round, i;

	if (!address || !tables)
		return 0;
	position = hash >> LB_INDEX_SHIFT;
	for (i = 0; i < LB_INDEX_PROBES; i++) {
		__u64 found = LB_READ_ONCE(tables->index[(position + i) & (LB_INDEX_ENTRIES - 1)]);
		__u32 number = found & (LB_SERVICES_MAX - 1); /* of a deleted entry a number that has another key */

		if (!found)
			return 0;
		/* Without CAP_PERFMON the verifier also follows what is only speculated, round after round. A store to the
		 * stack ends that. */
		*(volatile __u32 *)&round = i;
		if (found >> 32 == (__u32)hash && lb_same_key(&tables->services[number], address, rest))
			return number;
	}
	return 0;
}

static __always_inline __u32 lb_rest(__be16 port, __u8 protocol, __u8 prefix)
{
	return port | (__u32)protocol << 16 | (__u32)prefix << 24;
}

__noinline __u32 lb_find_range(__u32 vip, __u8 protocol, __be16 port)
{
	struct lb_range_key key = { .prefix_length = 64, .vip = bpf_htonl(vip), .protocol = protocol, .port = port };
	const __u32 *service = bpf_map_lookup_elem(&lb_ranges, &key);

	return service ? *service : 0;
}

/* Number of the record of the prefix VIP that an address lies in. */
__noinline __u32 lb_find_prefix(const struct lb_address *address)
{
	struct lb_prefix_key key = { .prefix_length = 128 };
	const __u32 *vip;

	if (!address)
		return 0;
	__builtin_memcpy(key.address, address->word, sizeof(key.address));
	vip = bpf_map_lookup_elem(&lb_prefixes, &key);
	return vip ? *vip : 0;
}

/* Who has a flow: the service, and the record of the VIP when the search came that far. */
struct lb_match {
	__u32 service; /* 0: none on this port */
	__u32 vip;     /* 0: not needed, or no VIP at all */
};

/* After the exact key was not found. A VIP's record takes what no service takes, if it has a ring. */
static __always_inline void lb_match_wider(struct lb_match *match, const struct lb_flow_key *flow)
{
	const struct lb_service *vip = lb_service(match->vip);
	__u64 where;
	__u32 any;

	if (!match->vip || !vip)
		return;
	where = lb_where(vip->address);
	if (vip->prefix) {
		match->service = lb_find((const void *)vip->address, where, lb_rest(flow->destination_port, flow->protocol, vip->prefix));
		if (match->service)
			return;
	}
	if (vip->flags & LB_SERVICE_RANGES) {
		match->service = lb_find_range(match->vip, flow->protocol, flow->destination_port);
		if (match->service)
			return;
	}
	any = flow->protocol == IPPROTO_TCP ? LB_SERVICE_ANY_TCP : flow->protocol == IPPROTO_UDP ? LB_SERVICE_ANY_UDP : 0;
	if (vip->flags & any) {
		match->service = lb_find((const void *)vip->address, where, lb_rest(0, flow->protocol, vip->prefix));
		if (match->service)
			return;
	}
	if (vip->ring)
		match->service = match->vip;
}

/* The record of the VIP with this address; 0: it is none. */
static __always_inline __u32 lb_find_vip(const __be32 *address, __u64 where, int filtered)
{
	__u32 vip = 0;
	const struct lb_settings *now;

	if (filtered)
		vip = lb_find((const void *)address, where, 0);
	if (vip)
		return vip;
	now = bpf_map_lookup_elem(&lb_settings, (const void *)&lb_only);
	return now && now->prefixes ? lb_find_prefix((const void *)address) : 0;
}

/* Makes a hash of the sum that a flow's parts are. */
static __always_inline __u64 lb_mix(__u64 hash)
{
	hash = (hash ^ hash >> 32) * LB_HASH(D);
	hash = (hash ^ hash >> 29) * LB_HASH(E);
	return hash ^ hash >> 32;
}

/* What makes a hash a service's own. It comes last, so that a packet's hash need not wait for its service. */
static __always_inline __u64 lb_seed(const struct lb_service *service)
{
	return (__u64)service->seed << 32 | service->seed;
}

static __always_inline __u64 lb_flow_hash(const struct lb_flow_key *flow, const struct lb_service *service)
{
	__u64 hash = lb_where(flow->source), rest = (__u64)flow->protocol << 32;

	if (!(service->flags & LB_SERVICE_CLIENT_IP)) {
		rest |= flow->source_port | (__u32)flow->destination_port << 16;
		hash += lb_word(flow->destination) * LB_HASH(C) + lb_word(flow->destination + 2) * LB_HASH(D) +
			rest * LB_HASH(E);
	}
	return lb_mix(hash) ^ lb_seed(service);
}

#endif
