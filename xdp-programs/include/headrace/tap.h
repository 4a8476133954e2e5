/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Shows packets to those who watch: before the first stage, as they came in, and after the last one, with what became
 * of them.
 *
 * A packet is copied when it arrives, for by its end it has been rewritten; whether it is wanted is known only then.
 * The copy is thrown away if not. Nothing of it is in the program while nobody watches (feature_tap), and nothing is
 * written once the lease has run out: a daemon that died in a capture leaves none running. Readers look by the clock:
 * nobody is woken.
 */
#ifndef HEADRACE_TAP_H
#define HEADRACE_TAP_H

#include "maps.h"
#include "packet.h"
#include "tap-abi.h"

const volatile _Bool feature_tap = 0;
/* Somebody captures, and not only samples: every packet is looked at. */
const volatile _Bool feature_capture = 1;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct tap_filter);
	__uint(max_entries, 1);
} tap_filter SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct tap_state);
	__uint(max_entries, 1);
} tap_state SEC(".maps");

/* Packets until the next sample, the sample included; 0: begin anew, with this one. Apart, so that a packet in between
 * touches nothing else. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} tap_countdown SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} tap_captured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} tap_sampled SEC(".maps");

enum tap_wanted {
	TAP_CAPTURE = 1 << 0,
	TAP_SAMPLE = 1 << 1,
};

/* From 1 to TAP_BYTES_MAX, which a count is already: kernel 6.1 does not learn from a comparison that it is not 0. */
static __always_inline __u32 tap_some(__u32 count)
{
	asm volatile("" : "+r"(count));
	return ((count - 1) & (TAP_BYTES_MAX - 1)) + 1;
}

/* The next gap between two samples: random, of mean `rate`, so that no pattern in the traffic is missed (sFlow v5,
 * "packet flow sampling"). */
static __always_inline __u32 tap_next_skip(__u32 rate)
{
	return rate > 1 ? 1 + bpf_get_prandom_u32() % (2 * rate - 1) : 1;
}

/* Adds to one of two counters. Apart for the compiler: choosing between addresses takes CAP_PERFMON. */
static __always_inline void tap_count(long failed, __u64 *missed, __u64 *done)
{
	if (failed) {
		barrier_var(missed);
		++*missed;
	} else {
		++*done;
	}
}

/* Room left for this packet in the current 64 jiffies? `rate` is a second's, of HZ jiffies: that is 250 on Debian's
 * kernels, and a kernel with another HZ has a limit that is off by as much. */
static __always_inline int tap_within_rate(struct tap_state *state, __u32 rate)
{
	__u64 window = bpf_jiffies64() >> 6;

	if (window != state->window) {
		state->window = window;
		state->spent = 0;
	}
	if (state->spent >= rate / 4) {
		state->limited++;
		return 0;
	}
	state->spent++;
	return 1;
}

/* Copies the packet as it comes in, if anybody may want it. A function of its own: its stack is nobody else's. */
__noinline int tap_enter(struct xdp_md *ctx)
{
	__u32 zero = 0, wanted = 0, length, captured = 0, *countdown;
	const struct tap_filter *filter;
	struct tap_packet *packet;
	struct tap_state *state;

	if (!feature_tap)
		return 0;
	filter = bpf_map_lookup_elem(&tap_filter, &zero);
	state = bpf_map_lookup_elem(&tap_state, &zero);
	countdown = bpf_map_lookup_elem(&tap_countdown, &zero);
	if (!filter || !state || !countdown)
		return 0;
	if (feature_capture && filter->capturing) {
		const struct settings *now = bpf_map_lookup_elem(&settings, &zero);

		if (now && now->lease > bpf_jiffies64())
			wanted |= TAP_CAPTURE;
	}
	if (filter->sample_rate && *countdown > 1) {
		--*countdown;
	} else if (filter->sample_rate) {
		state->pool += *countdown ? state->gap : 1;
		state->gap = *countdown = tap_next_skip(filter->sample_rate);
		wanted |= TAP_SAMPLE;
	}
	if (!wanted)
		return 0;
	length = bpf_xdp_get_buff_len(ctx);
	if (wanted & TAP_CAPTURE)
		captured = filter->snap;
	if (wanted & TAP_SAMPLE && captured < TAP_SAMPLE_BYTES)
		captured = TAP_SAMPLE_BYTES;
	if (captured > length)
		captured = length;
	if (captured > TAP_BYTES_MAX)
		captured = TAP_BYTES_MAX;
	packet = &state->packet;
	if (captured == 0 || bpf_xdp_load_bytes(ctx, 0, packet->bytes, tap_some(captured)))
		return 0;
	packet->header.time = bpf_ktime_get_ns();
	packet->header.ingress = ctx->ingress_ifindex;
	packet->header.length = length;
	packet->header.captured = captured;
	return wanted;
}

/* The same, in a few instructions while there is nothing to see: nobody captures, and the next sample is to come. */
static __always_inline int tap_look(struct xdp_md *ctx)
{
	__u32 zero = 0, *countdown;

	if (!feature_capture) {
		countdown = bpf_map_lookup_elem(&tap_countdown, &zero);
		if (countdown && *countdown > 1) {
			--*countdown;
			return 0;
		}
	}
	return tap_enter(ctx);
}

static __always_inline int tap_in_prefix(const struct tap_prefix *prefix, const __be32 *address, int words)
{
	__be32 difference = 0;

#pragma unroll
	for (int i = 0; i < 4; i++)
		if (i < words)
			difference |= (address[i] ^ prefix->address[i]) & prefix->mask[i];
	return !difference;
}

/* Do the addresses in the copy satisfy the filter? */
static __always_inline int tap_addresses_match(const struct tap_filter *filter, const struct tap_packet *packet,
					       __u8 family, __u32 l3)
{
	__u32 at = l3 + (family == AF_INET ? 12 : 8), words = family == AF_INET ? 1 : 4;
	__be32 ends[8] = {};

	if (family == AF_INET) {
		if (at > 64 || at + 8 > packet->header.captured)
			return 0;
		__builtin_memcpy(&ends[0], &packet->bytes[at], 4);
		__builtin_memcpy(&ends[4], &packet->bytes[at + 4], 4);
	} else if (family == AF_INET6) {
		if (at > 64 || at + 32 > packet->header.captured)
			return 0;
		__builtin_memcpy(&ends[0], &packet->bytes[at], 16);
		__builtin_memcpy(&ends[4], &packet->bytes[at + 16], 16);
	} else {
		return 0;
	}
	if (filter->conditions & TAP_HOST && !tap_in_prefix(&filter->source, &ends[0], words) &&
	    !tap_in_prefix(&filter->source, &ends[4], words))
		return 0;
	if (filter->conditions & TAP_SOURCE && !tap_in_prefix(&filter->source, &ends[0], words))
		return 0;
	return !(filter->conditions & TAP_DESTINATION) || tap_in_prefix(&filter->destination, &ends[4], words);
}

static __always_inline int tap_matches(const struct tap_filter *filter, const struct tap_packet *copy,
				       const struct packet *packet, __u32 verdict, __u32 reason)
{
	__u32 c = filter->conditions;

	/* By its port, or by the VLAN interface or bond it was found to belong to. */
	if (filter->ifindex && filter->ifindex != copy->header.ingress && filter->ifindex != packet->ingress)
		return 0;
	if (!(filter->verdicts >> (verdict & 31) & 1))
		return 0;
	if (!(filter->reasons[(reason >> 6) & (TAP_REASON_WORDS - 1)] >> (reason & 63) & 1))
		return 0;
	if (c & TAP_FAMILY && packet->family != filter->family)
		return 0;
	if (c & TAP_PROTOCOL && packet->protocol != filter->protocol)
		return 0;
	if (c & TAP_SOURCE_PORT && packet->source_port != filter->source_port)
		return 0;
	if (c & TAP_DESTINATION_PORT && packet->destination_port != filter->destination_port)
		return 0;
	if (c & TAP_PORT && packet->source_port != filter->source_port &&
	    packet->destination_port != filter->source_port)
		return 0;
	if (c & (TAP_HOST | TAP_SOURCE | TAP_DESTINATION))
		return tap_addresses_match(filter, copy, packet->family, packet->l3_offset);
	return 1;
}

/* Adds what became of the packet, and hands it over. Verified by itself, as tap_enter is: once, whatever is known of the
 * packet, or loading without CAP_PERFMON would take more steps than there are. */
__noinline int tap_leave(struct xdp_md *ctx, const struct packet *packet, __u32 wanted, int answer)
{
	__u32 zero = 0, verdict = (answer >> 8) & 0xff, reason = answer & 0xff, captured, out = 0;
	const struct tap_filter *filter;
	struct tap_state *state;
	struct tap_packet *copy;

	if (!feature_tap)
		return 0;
	filter = bpf_map_lookup_elem(&tap_filter, &zero);
	state = bpf_map_lookup_elem(&tap_state, &zero);
	if (!filter || !state || !packet)
		return 0;
	copy = &state->packet;
	captured = tap_some(copy->header.captured);
	/* Through memory: where a number is a constant on one path and not on another, it may not become part of an
	 * address without CAP_PERFMON. */
	copy->header.reason = reason;
	reason = *(volatile __u8 *)&copy->header.reason;
	if (wanted & TAP_CAPTURE && !tap_matches(filter, copy, packet, verdict, reason))
		wanted &= ~TAP_CAPTURE;
	if (wanted & TAP_CAPTURE && !tap_within_rate(state, filter->rate))
		wanted &= ~TAP_CAPTURE;
	if (!wanted)
		return 0;

	copy->header.egress = 0;
	copy->header.out_length = 0;
	if (verdict == VERDICT_TX || verdict == VERDICT_REDIRECT) {
		copy->header.egress = packet->egress;
		copy->header.out_length = bpf_xdp_get_buff_len(ctx);
		out = wanted & TAP_CAPTURE ? filter->snap : 0;
		if (out > copy->header.out_length)
			out = copy->header.out_length;
		if (out > TAP_BYTES_MAX)
			out = TAP_BYTES_MAX;
		if (out) {
			out = tap_some(out);
			if (bpf_xdp_load_bytes(ctx, 0, copy->bytes + captured, out))
				out = 0;
		}
	}
	copy->header.verdict = verdict;
	copy->header.cpu = bpf_get_smp_processor_id();
	copy->header.pool = state->pool;
	copy->header.out_captured = 0; /* a sample is of what came in */
	if (wanted & TAP_SAMPLE) {
		state->pool = 0;
		tap_count(bpf_ringbuf_output(&tap_sampled, copy, sizeof(copy->header) + captured, BPF_RB_NO_WAKEUP),
			  &state->sample_missed, &state->sampled);
	}
	if (wanted & TAP_CAPTURE) {
		copy->header.out_captured = out;
		tap_count(bpf_ringbuf_output(&tap_captured, copy, sizeof(copy->header) + captured + out, BPF_RB_NO_WAKEUP),
			  &state->missed, &state->captured);
	}
	return 0;
}

#endif
