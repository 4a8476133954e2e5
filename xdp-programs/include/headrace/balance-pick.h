/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which backend has a flow: the slot of the ring says it, and, only while the slot moves, the table of remembered
 * connections (see enum lb_slot_layout for the states of a slot).
 *
 * What keeps connections when the table is full or floods come: an insert that is refused for a SYN sends the SYN to
 * the previous backend, where its later packets, which are not found either, go too; and the ring goes on settling, so
 * that they may be remembered yet. SYNs and other packets have budgets of their own, so that a flood of one kind never
 * keeps the other from being remembered.
 */
#ifndef HEADRACE_BALANCE_PICK_H
#define HEADRACE_BALANCE_PICK_H

#include "balance-lookup.h"

#define LB_SECOND 1000000000ULL
/* Budgets are per 2^30 ns, which is a second for all that matters. */
#define LB_BUDGET_SHIFT 30
#define LB_TRACKED_IDLE_DEFAULT 120

static __always_inline struct lb_scratch *lb_my_scratch(void)
{
	return bpf_map_lookup_elem(&lb_scratch, (const void *)&lb_only);
}

static __always_inline void lb_event(__u32 event)
{
	__u64 *count = bpf_map_lookup_elem(&lb_events, &event);

	if (count)
		(*count)++;
}

static __always_inline int lb_alive(__u32 number)
{
	const struct lb_backend *backend = number ? lb_backend(number) : NULL;

	return backend && LB_READ_ONCE(backend->state) & LB_BACKEND_ALIVE;
}

enum lb_budget_kind { LB_BUDGET_SYN, LB_BUDGET_OTHER, LB_BUDGET_ANSWER, LB_BUDGET_SIZE };

/* Is one more allowed on this CPU in this second? All fields are read and written: choosing an address instead of a
 * value takes CAP_PERFMON. */
__noinline int lb_spend(__u32 kind, __u64 now)
{
	__u32 syns = 0, others = 0, answers = 0, sizes = 0, used, allowed;
	const struct lb_settings *settings = bpf_map_lookup_elem(&lb_settings, (const void *)&lb_only);
	struct lb_budget *budget = bpf_map_lookup_elem(&lb_budgets, (const void *)&lb_only);

	if (!settings || !budget)
		return 0;
	if (budget->second == now >> LB_BUDGET_SHIFT) {
		syns = budget->syns;
		others = budget->others;
		answers = budget->answers;
		sizes = budget->sizes;
	}
	used = kind == LB_BUDGET_SYN ? syns : kind == LB_BUDGET_OTHER ? others : kind == LB_BUDGET_ANSWER ? answers : sizes;
	allowed = LB_READ_ONCE(settings->syn_budget);
	if (kind != LB_BUDGET_SYN) {
		__u32 other = LB_READ_ONCE(settings->other_budget), answer = LB_READ_ONCE(settings->answer_budget);

		allowed = kind == LB_BUDGET_OTHER ? other : answer;
	}
	if (used >= allowed)
		return 0;
	budget->second = now >> LB_BUDGET_SHIFT;
	budget->syns = syns + (kind == LB_BUDGET_SYN);
	budget->others = others + (kind == LB_BUDGET_OTHER);
	budget->answers = answers + (kind == LB_BUDGET_ANSWER);
	budget->sizes = sizes + (kind == LB_BUDGET_SIZE);
	return 1;
}

/* What is known of a packet when its backend is chosen. */
struct lb_choice {
	__u32 service;
	__u32 ring;
	__u32 slot;      /* within the ring */
	__u32 word;      /* the slot's word */
	__u8 syn;        /* begins a connection, or a tracked flow */
	__u8 closing;    /* FIN or RST */
	__u8 read_only;  /* an error about the flow, not a packet of it: remembers nothing */
	__u8 zero;
};

/* Where a packet goes, as the first half of the stage tells the second. Stack is scarce: kernels round a function's share
 * up to 32 bytes, which this one just fits into. */
struct lb_target {
	__u64 hash; /* of the flow */
	__u32 service;
	__u32 backend;
	union {
		__u32 mtu;    /* what would have fitted */
		__u32 egress; /* of a packet that was sent: the interface it leaves by, to the kernel */
	};
	__u8 begins; /* a connection */
	/* Where it does not go anywhere: */
	__u8 reason;  /* enum reason */
	__u8 refusal; /* enum lb_refusal */
};

/* Answers within the stage: not verdicts. */
#define LB_FORWARD 1 /* to target->backend */
#define LB_REFUSE 2  /* for target->reason, as target->refusal says */

static __always_inline int lb_refuse(struct lb_target *target, enum reason reason, __u32 refusal)
{
	target->reason = reason;
	target->refusal = refusal;
	return LB_REFUSE;
}

/* Remembers a flow. 0 when it was refused, which keeps the ring settling. */
static __always_inline int lb_remember(const struct lb_flow_key *flow, const struct lb_choice *choice, __u32 backend,
				       struct lb_ring *ring, __u64 now)
{
	struct lb_scratch *scratch = lb_my_scratch();
	struct lb_flow *entry;
	long result;

	if (!scratch)
		return 0;
	entry = &scratch->flow;
	entry->seen = now;
	entry->ring = choice->ring;
	entry->slot = choice->slot;
	entry->backend = backend;
	entry->flags = (choice->syn ? 0 : LB_FLOW_OLDER) | (choice->closing ? LB_FLOW_CLOSING : 0);
	entry->service = choice->service;
	if (!lb_spend(choice->syn ? LB_BUDGET_SYN : LB_BUDGET_OTHER, now)) {
		lb_event(choice->syn ? LB_EVENT_REFUSED_SYN : LB_EVENT_REFUSED_OTHER);
		LB_WRITE_ONCE(ring->refused, now);
		return 0;
	}
	/* Another CPU may have remembered it meanwhile: then that is as good. */
	result = bpf_map_update_elem(&lb_flows, flow, entry, BPF_NOEXIST);
	if (result && result != -17 /* EEXIST */) {
		lb_event(LB_EVENT_REFUSED_FULL);
		LB_WRITE_ONCE(ring->refused, now);
		return 0;
	}
	lb_event(choice->syn ? LB_EVENT_REMEMBERED_SYN : LB_EVENT_REMEMBERED_OTHER);
	return 1;
}

/* The clock is coarse, and another CPU may have read it later: what was seen then was seen just now. */
static __always_inline __u64 lb_age(__u64 now, __u64 seen)
{
	return (__s64)(now - seen) > 0 ? now - seen : 0;
}

/*
 * The backend of the TCP flow in scratch->key, whose slot moves. A function of its own, which steady slots never call.
 * The key is found there again because kernel 6.1 takes no argument's memory for a key.
 */
__noinline __u32 lb_pick_moving(const struct lb_choice *choice)
{
	struct lb_scratch *scratch = lb_my_scratch();
	const struct lb_flow_key *flow;
	__u32 current, previous, number;
	struct lb_flow *entry;
	struct lb_ring *ring;
	__u64 now, until;

	if (!scratch || !choice)
		return 0;
	flow = &scratch->key;
	current = choice->word & 0xffff;
	now = bpf_ktime_get_coarse_ns();
	entry = bpf_map_lookup_elem(&lb_flows, flow);
	/* A client that uses a port again begins a connection, which is not where the old one was. */
	if (entry && choice->syn && entry->flags & LB_FLOW_CLOSING) {
		bpf_map_delete_elem(&lb_flows, flow);
		entry = NULL;
	}
	if (entry) {
		lb_event(LB_EVENT_FOUND);
		number = entry->backend;
		if (choice->read_only)
			return lb_alive(number) ? number : current;
		if (lb_age(now, entry->seen) > LB_SECOND) {
			entry->seen = now;
			entry->flags &= ~LB_FLOW_CLOSING; /* it goes on: only half of it was closed, or somebody lied */
		}
		if (choice->closing && !(entry->flags & LB_FLOW_CLOSING)) {
			entry->seen = now;
			entry->flags |= LB_FLOW_CLOSING;
		}
		if (lb_alive(number))
			return number;
		lb_event(LB_EVENT_GIVEN_UP);
		entry->backend = current;
		return current;
	}
	previous = LB_READ_ONCE(choice->word) >> LB_SLOT_PREVIOUS_SHIFT; /* read again: kept, it would cost stack */
	if (previous == LB_PINNED || !lb_alive(previous))
		return current;
	ring = lb_ring_in(lb_my_tables(), choice->ring);
	if (!ring)
		return current;
	until = LB_READ_ONCE(ring->refused);
	until = until ? until + ring->settle : 0;
	if (until < LB_READ_ONCE(ring->deadline))
		until = LB_READ_ONCE(ring->deadline);
	if (now >= until)
		return current;
	if (choice->read_only)
		return previous;
	if (!choice->syn) {
		lb_remember(flow, choice, previous, ring, now);
		return previous;
	}
	return lb_remember(flow, choice, current, ring, now) ? current : previous;
}

/* The backend of the UDP flow in scratch->key, of a service that tracks them. */
__noinline __u32 lb_pick_tracked(struct lb_choice *choice, __u32 idle)
{
	struct lb_scratch *scratch = lb_my_scratch();
	const struct lb_flow_key *flow;
	__u64 now = bpf_ktime_get_coarse_ns();
	struct lb_flow *entry, fresh = {};

	if (!scratch || !choice)
		return 0;
	flow = &scratch->key;
	entry = bpf_map_lookup_elem(&lb_tracked, flow);
	if (entry && lb_age(now, entry->seen) < idle * LB_SECOND && lb_alive(entry->backend)) {
		if (lb_age(now, entry->seen) > LB_SECOND && !choice->read_only)
			entry->seen = now;
		return entry->backend;
	}
	if (!choice->read_only) {
		fresh.seen = now;
		fresh.ring = choice->ring;
		fresh.slot = choice->slot;
		fresh.backend = choice->word & 0xffff;
		fresh.service = choice->service;
		bpf_map_update_elem(&lb_tracked, flow, &fresh, BPF_ANY);
		choice->syn = 1;
	}
	return choice->word & 0xffff;
}

static __always_inline __u32 lb_idle(const struct lb_service *service)
{
	const struct lb_settings *now = bpf_map_lookup_elem(&lb_settings, (const void *)&lb_only);

	return service->idle ?: now && now->tracked_idle ? now->tracked_idle : LB_TRACKED_IDLE_DEFAULT;
}

/* The slot that a hash has in a ring, and its word. 0: no ring, no slots. */
static __always_inline int lb_read_slot(struct lb_tables *tables, struct lb_choice *choice, __u64 hash)
{
	const struct lb_ring *ring = lb_ring_in(tables, choice->ring);
	__u64 place;
	__u32 at;

	if (!choice->ring || !ring)
		return 0;
	place = LB_READ_ONCE(ring->place);
	choice->slot = (hash >> 32) * (__u32)place >> 32;
	at = (place >> 32) + choice->slot;
	if (!(__u32)place)
		return 0;
	choice->word = LB_READ_ONCE(tables->slots[at & (LB_SLOTS_MAX - 1)]);
	return 1;
}

/* Number of the backend that has a flow, which is scratch->key; 0: none. It may be dead: whoever sends to it looks. */
static __always_inline __u32 lb_pick(const struct lb_flow_key *flow, const struct lb_service *service,
				     struct lb_choice *choice, __u64 hash)
{
	choice->ring = LB_READ_ONCE(service->ring);
	if (!lb_read_slot(lb_my_tables(), choice, hash))
		return 0;
	if (flow->protocol == IPPROTO_TCP) {
		if (choice->word >> LB_SLOT_PREVIOUS_SHIFT && !(service->flags & LB_SERVICE_REMEMBER_OFF))
			return lb_pick_moving(choice);
	} else if (flow->protocol == IPPROTO_UDP && service->udp == LB_UDP_TRACKED) {
		return lb_pick_tracked(choice, lb_idle(service));
	}
	return choice->word & 0xffff;
}

#endif
