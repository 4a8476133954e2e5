/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The first packet of a connection: how its backend will see it, which must be unlike every other connection that the
 * backend has.
 *
 * The client keeps its port if it can. It cannot when another connection of the same address and port goes to the same
 * backend by another VIP, or when many clients are seen by one address of ours (SNAT): then ports of a range are tried,
 * from a place that the flow's hash says. The backend's entry is made first, and whoever makes it has the port.
 */
#ifndef HEADRACE_NAT_BEGIN_H
#define HEADRACE_NAT_BEGIN_H

#include "balance-forward.h"
#include "nat-flow.h"

/* A search for a free port. */
struct nat_search {
	__u64 hash;
	__u16 first;     /* host byte order */
	__u16 ports;     /* how many there are from there on */
	__u16 own;       /* the client's, tried first; 0: not this one */
	__u16 found;
	__u32 addresses; /* of the pool; 0: the one in scratch->fresh */
	__u32 pool;      /* its number */
};

/* Takes an entry for replies to scratch->peer, if nobody has it. */
static __always_inline int nat_take(struct nat_scratch *scratch)
{
	const struct nat_flow *other;
	long result = bpf_map_update_elem(&nat_opening, &scratch->peer, &scratch->back, BPF_NOEXIST);

	if (result == -NAT_EEXIST) {
		other = bpf_map_lookup_elem(&nat_opening, &scratch->peer);
		if (!other)
			return 0;
		if (!nat_leads_here(other, &scratch->key) &&
		    lb_age(scratch->back.seen, other->seen) <= nat_idle_of(other) * LB_SECOND)
			return 0;
		result = bpf_map_update_elem(&nat_opening, &scratch->peer, &scratch->back, BPF_ANY);
	}
	if (result)
		return 0;
	/* In this order: a connection that is confirmed meanwhile is in one of the tables at any time. */
	other = bpf_map_lookup_elem(&nat_flows, &scratch->peer);
	if (!other)
		return 1;
	if (nat_leads_here(other, &scratch->key)) {
		bpf_map_delete_elem(&nat_flows, &scratch->peer);
		return 1;
	}
	bpf_map_delete_elem(&nat_opening, &scratch->peer);
	return 0;
}

/* One try of bpf_loop. Answers 1 when it is over. */
static long nat_try_port(__u32 round, struct nat_search *search)
{
	struct nat_scratch *scratch = nat_my_scratch();
	__u32 turn = (__u32)(search->hash >> 32) + round, port, which, number;
	const struct nat_pool *pool;

	if (!scratch || !search->ports)
		return 1;
	port = search->first + turn % search->ports;
	if (round == 0 && search->own)
		port = search->own;
	if (search->addresses) {
		number = search->pool;
		pool = bpf_map_lookup_elem(&nat_pools, &number);
		if (!pool)
			return 1;
		which = ((__u32)search->hash + round / 8) % search->addresses & (NAT_POOL_ADDRESSES - 1);
		nat_copy(scratch->fresh.source, &pool->addresses[which * 4]);
	}
	nat_copy(scratch->peer.destination, scratch->fresh.source);
	scratch->peer.destination_port = bpf_htons(port);
	if (!nat_take(scratch))
		return 0;
	search->found = port;
	return 1;
}

/* Where and how to look for a port. 0: not at all. */
static __always_inline int nat_prepare_search(struct nat_search *search, struct nat_scratch *scratch,
					      const struct lb_target *target, const struct lb_backend *backend, int snat)
{
	__u32 number = target->service, first, last;
	const struct nat_settings *settings = bpf_map_lookup_elem(&nat_settings, (const void *)&lb_only);
	const struct nat_pool *pool;
	__u16 own = bpf_ntohs(scratch->key.source_port);

	if (!settings)
		return 0;
	first = settings->port_first;
	last = settings->port_last;
	nat_copy(scratch->fresh.source, scratch->key.source);
	if (snat) {
		nat_copy(scratch->fresh.source, backend->source);
		pool = bpf_map_lookup_elem(&nat_pools, &number);
		if (pool) {
			__u32 pool_first = pool->port_first, pool_last = pool->port_last, count = pool->count;

			if (pool_first) {
				first = pool_first;
				last = pool_last;
			}
			search->addresses = count;
			search->pool = number;
		}
		if (own < first || own > last)
			own = 0;
	}
	search->hash = target->hash;
	search->first = first;
	search->ports = last >= first ? last - first + 1 : 0;
	search->own = own;
	return search->ports || own;
}

/* Begins a connection to target->backend, for the packet whose key is in the scratch. `state`: enum nat_state. */
__noinline int nat_begin(const struct packet *packet, struct lb_target *target, __u32 state)
{
	struct nat_scratch *scratch;
	const struct lb_service *service;
	const struct lb_backend *backend;
	struct nat_search search = {};
	__be16 port;
	int snat;

	if (!feature_nat)
		return lb_drop(REASON_VIP_UNFIT);
	scratch = nat_my_scratch();
	if (!packet || !target || !scratch)
		return lb_drop(REASON_VIP_UNFIT);
	service = lb_service(target->service);
	backend = target->backend ? lb_backend(target->backend) : NULL;
	if (!service)
		return lb_drop(REASON_NO_SERVICE);
	if (!backend || !(LB_READ_ONCE(backend->state) & LB_BACKEND_ALIVE))
		return lb_refuse(target, REASON_NO_BACKEND, service->no_backend);
	if (backend->flags & LB_BACKEND_LOCAL) /* its answers would not come by here */
		return lb_drop(REASON_BACKEND_UNABLE);
	snat = !!(service->flags & LB_SERVICE_SNAT);
	if (!snat && nat_same(backend->address, scratch->key.source)) /* it would answer itself */
		return lb_drop(REASON_NAT_HAIRPIN);
	nat_touch(&scratch->fresh);
	/* Written now, so that none of it is kept on the stack, which is full. */
	scratch->fresh.service = target->service;
	scratch->fresh.backend = target->backend;
	scratch->fresh.state = state;
	scratch->fresh.flags = snat ? NAT_SOURCE_CHANGED : 0;
	if (!lb_spend(state == NAT_PICKED_UP ? LB_BUDGET_OTHER : LB_BUDGET_SYN, scratch->fresh.seen)) {
		nat_event(NAT_EVENT_REFUSED_BUDGET);
		return lb_drop(REASON_NAT_REFUSED);
	}
	if (!nat_prepare_search(&search, scratch, target, backend, snat))
		return lb_drop(REASON_NAT_PORTS);
	if (snat && !search.addresses && !lb_has_source(backend))
		return lb_drop(REASON_BACKEND_UNRESOLVED);
	port = backend->port;
	if (!port)
		port = scratch->key.destination_port;
	scratch->fresh.sequence = 0;
	scratch->fresh.reserved = 0;
	nat_copy(scratch->fresh.destination, backend->address);
	scratch->fresh.destination_port = port;
	scratch->back = scratch->fresh;
	nat_copy(scratch->back.source, scratch->key.destination);
	nat_copy(scratch->back.destination, scratch->key.source);
	scratch->back.source_port = scratch->key.destination_port;
	scratch->back.destination_port = scratch->key.source_port;
	nat_copy(scratch->peer.source, backend->address);
	scratch->peer.source_port = port;
	*(__u32 *)&scratch->peer.protocol = packet->protocol | (__u32)NAT_REPLY << 8;

	if (!search.ports)
		search.ports = 1;
	bpf_loop(NAT_PORT_TRIES, nat_try_port, &search, 0);
	if (!search.found) {
		nat_event(NAT_EVENT_PORTS);
		return lb_drop(REASON_NAT_PORTS);
	}
	scratch->fresh.source_port = bpf_htons(search.found);
	if (scratch->fresh.source_port != scratch->key.source_port)
		nat_event(NAT_EVENT_PORT_CHANGED);
	if (bpf_map_update_elem(&nat_opening, &scratch->key, &scratch->fresh, BPF_ANY)) {
		bpf_map_delete_elem(&nat_opening, &scratch->peer);
		nat_event(NAT_EVENT_REFUSED_FULL);
		return lb_drop(REASON_NAT_REFUSED);
	}
	nat_event(NAT_EVENT_BEGUN);
	if (packet->protocol == IPPROTO_UDP)
		target->begins = 1;
	nat_decide(&scratch->to, &scratch->fresh, NAT_CHANGE_FLOW);
	return LB_FORWARD;
}

#endif
