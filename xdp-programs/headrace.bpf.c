// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The packet path: one pipeline of four stages for every interface.
 *
 *   parse ─▶ guard ─▶ balance ─▶ route
 *
 * Each stage is an inline function over struct packet that answers NEXT or a verdict with its reason; the first verdict
 * ends the walk, and is counted here, once. What parse has against forwarding a packet (packet.why_not) is a verdict
 * only behind balance, because a service's packets are never the kernel's to route. Features are constants set before the program is loaded, so that what is
 * off is removed by the verifier and costs nothing.
 *
 * Needs Linux 6.1: bpf_xdp_get_buff_len and multi-buffer frames (5.18), devmap hash (5.4).
 */
#include "headrace/abi.h"
#include "headrace/kernel.h"
#include "headrace/balance.h"
#include "headrace/count.h"
#include "headrace/guard.h"
#include "headrace/handover.h"
#include "headrace/parse.h"
#include "headrace/route.h"
#include "headrace/tap.h"

SEC("xdp.frags")
int headrace_xdp(struct xdp_md *ctx)
{
	struct packet packet = {};
	__u32 watched = feature_tap ? tap_look(ctx) : 0;
	int answer = LB_UNPARSED;

	if (feature_balance && feature_balance_straight) {
		/* Without CAP_PERFMON the verifier also follows what is only speculated. A store to the stack ends that. */
		*(volatile int *)&answer = LB_UNPARSED;
		answer = lb_straight(ctx, &packet);
	}
	if (answer == LB_UNPARSED || answer == LB_LONG) {
		if (answer == LB_UNPARSED)
			answer = parse(ctx, &packet);
		else
			answer = NEXT;
		if (answer == NEXT)
			answer = guard(ctx, &packet);
		if (answer == NEXT)
			answer = balance(ctx, &packet);
	}
	if (answer == NEXT)
		answer = packet.why_not ? pass(packet.why_not) : handover(&packet);
	if (answer == NEXT)
		answer = route(ctx, &packet);

	if (watched)
		tap_leave(ctx, &packet, watched, answer);
	if (feature_counters)
		count_packet(&packet, answer);
	return (answer >> 8) & 0xff;
}

/*
 * Run by the control plane once a second, on no packet: whatever it follows may be trusted for five such times more.
 * The time between two renewals is the measure, so that nobody has to know how long a jiffy is.
 */
SEC("xdp")
int headrace_renew(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct settings *now = bpf_map_lookup_elem(&settings, &zero);
	__u64 jiffies = bpf_jiffies64();

	if (!now)
		return XDP_ABORTED;
	now->lease = now->renewed ? jiffies + 5 * (jiffies - now->renewed) : 0;
	now->renewed = jiffies;
	return XDP_PASS;
}

/* Enums that no map refers to still belong into the BTF, from which TypeScript gets their names. */
const enum reason *const reasons_for_btf __attribute__((unused));
const enum verdict *const verdicts_for_btf __attribute__((unused));
const enum counter_layout *const counter_layout_for_btf __attribute__((unused));
const enum path_kind *const path_kind_for_btf __attribute__((unused));
const enum path_layout *const path_layout_for_btf __attribute__((unused));
const enum stranger_layout *const stranger_layout_for_btf __attribute__((unused));
const enum port_flag *const port_flags_for_btf __attribute__((unused));
const enum lb_capacity *const lb_capacity_for_btf __attribute__((unused));
const enum lb_index_layout *const lb_index_layout_for_btf __attribute__((unused));
const enum lb_hash_factor *const lb_hash_factor_for_btf __attribute__((unused));
const enum lb_mode *const lb_mode_for_btf __attribute__((unused));
const enum lb_udp *const lb_udp_for_btf __attribute__((unused));
const enum lb_fragments *const lb_fragments_for_btf __attribute__((unused));
const enum lb_refusal *const lb_refusal_for_btf __attribute__((unused));
const enum lb_service_flag *const lb_service_flag_for_btf __attribute__((unused));
const enum lb_slot_layout *const lb_slot_layout_for_btf __attribute__((unused));
const enum lb_backend_state *const lb_backend_state_for_btf __attribute__((unused));
const enum lb_outer_header *const lb_outer_header_for_btf __attribute__((unused));
const enum lb_backend_flag *const lb_backend_flag_for_btf __attribute__((unused));
const enum lb_flow_flag *const lb_flow_flag_for_btf __attribute__((unused));
const enum lb_event *const lb_event_for_btf __attribute__((unused));
const enum nat_layout *const nat_layout_for_btf __attribute__((unused));
const enum nat_direction *const nat_direction_for_btf __attribute__((unused));
const enum nat_state *const nat_state_for_btf __attribute__((unused));
const enum nat_flow_flag *const nat_flow_flag_for_btf __attribute__((unused));
const enum nat_change_kind *const nat_change_kind_for_btf __attribute__((unused));
const enum nat_event *const nat_event_for_btf __attribute__((unused));
const enum tap_layout *const tap_layout_for_btf __attribute__((unused));
const enum tap_condition *const tap_condition_for_btf __attribute__((unused));
const enum fib_layout *const fib_layout_for_btf __attribute__((unused));
const enum next_hop_state *const next_hop_state_for_btf __attribute__((unused));

char _license[] SEC("license") = "Dual BSD/GPL";
