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
#include "tap-maps.h"
#include "tap-match.h"

const volatile _Bool feature_tap = 0;
/* Somebody captures, and not only samples: every packet is looked at. */
const volatile _Bool feature_capture = 1;

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

/* Room left for this packet in the current quarter of a second? */
static __always_inline int tap_within_rate(struct tap_state *state, __u32 rate)
{
	__u64 window = state->packet.header.time / 250000000;

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
	/* The filter looks at the copy, however little of it is shown. */
	if (wanted & TAP_CAPTURE)
		captured = filter->snap < TAP_MATCH_BYTES ? TAP_MATCH_BYTES : filter->snap;
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

/* Its first bytes, as it came in. What finds no room is told with the next that does, and so is what it stood for. */
static __always_inline void tap_hand_sample(struct tap_state *state, __u32 captured)
{
	struct tap_packet *copy = &state->packet;
	long failed;

	if (captured > TAP_SAMPLE_BYTES)
		captured = TAP_SAMPLE_BYTES;
	captured = tap_some(captured);
	copy->header.captured = captured;
	copy->header.out_captured = 0;
	copy->header.pool = state->pool;
	copy->header.missed = state->sample_lost;
	failed = bpf_ringbuf_output(&tap_sampled, copy, sizeof(copy->header) + captured, BPF_RB_NO_WAKEUP);
	if (failed) {
		state->sample_lost++;
	} else {
		state->pool = 0;
		state->sample_lost = 0;
	}
	tap_count(failed, &state->sample_missed, &state->sampled);
}

/* Both its ways, each cut at `snap`. */
static __always_inline void tap_hand_capture(struct xdp_md *ctx, struct tap_state *state, __u32 captured, __u32 snap)
{
	struct tap_packet *copy = &state->packet;
	__u32 out = copy->header.out_length;

	if (captured > snap)
		captured = snap;
	if (captured == 0) /* it has just been ended */
		return;
	copy->header.captured = captured;
	captured = tap_some(*(volatile __u16 *)&copy->header.captured); /* see tap_leave */
	if (out > snap)
		out = snap;
	if (out > TAP_BYTES_MAX)
		out = TAP_BYTES_MAX;
	if (out) {
		out = tap_some(out);
		if (bpf_xdp_load_bytes(ctx, 0, copy->bytes + captured, out))
			out = 0;
	}
	copy->header.out_captured = out;
	tap_count(bpf_ringbuf_output(&tap_captured, copy, sizeof(copy->header) + captured + out, BPF_RB_NO_WAKEUP),
		  &state->missed, &state->captured);
}

/* Adds what became of the packet, and hands it over. Verified by itself, as tap_enter is: once, whatever is known of the
 * packet, or loading without CAP_PERFMON would take more steps than there are. */
__noinline int tap_leave(struct xdp_md *ctx, const struct packet *packet, __u32 wanted, int answer)
{
	__u32 zero = 0, verdict = (answer >> 8) & 0xff, reason = answer & 0xff, copied;
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
	copied = copy->header.captured;
	/* Through memory: where a number is a constant on one path and not on another, it may not become part of an
	 * address without CAP_PERFMON. */
	copy->header.reason = reason;
	reason = *(volatile __u8 *)&copy->header.reason;
	if (wanted & TAP_CAPTURE && !tap_matches(filter, state, packet, verdict, reason))
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
	}
	copy->header.verdict = verdict;
	copy->header.cpu = bpf_get_smp_processor_id();
	if (wanted & TAP_SAMPLE)
		tap_hand_sample(state, copied);
	if (wanted & TAP_CAPTURE)
		tap_hand_capture(ctx, state, copied, filter->snap);
	return 0;
}

#endif
