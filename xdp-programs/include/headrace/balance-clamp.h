/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The option in a SYN that says how large segments may be. */
#ifndef HEADRACE_BALANCE_CLAMP_H
#define HEADRACE_BALANCE_CLAMP_H

#include "balance-pick.h"
#include "checksum.h"

#define LB_TCP_OPTIONS_MAX 40

/* Lowers the segment size that a client's SYN allows, when it allows more: what comes back has to fit the way out. The
 * packet is as it arrived, or has a lower number and the right checksum. */
__noinline int lb_clamp(struct xdp_md *ctx, const struct packet *packet, __u16 mss)
{
	struct lb_scratch *scratch = lb_my_scratch();
	__u8 *option;
	__u32 at, length, i, old = 0, found = 0, next = 0;
	__be16 value, check;
	__u8 offset;

	if (!packet || !scratch || !packet->l4_offset)
		return 0;
	option = (void *)scratch->lookup;
	at = packet->l4_offset;
	if (bpf_xdp_load_bytes(ctx, at + 12, &offset, sizeof(offset)))
		return 0;
	length = (offset >> 4) * 4;
	if (length <= sizeof(struct tcphdr) || length > sizeof(struct tcphdr) + LB_TCP_OPTIONS_MAX)
		return 0;
	length -= sizeof(struct tcphdr);
	__builtin_memset(scratch->lookup, 0, sizeof(scratch->lookup));
	for (i = 0; i < LB_TCP_OPTIONS_MAX / 4; i++)
		if (i * 4 < length && bpf_xdp_load_bytes(ctx, at + sizeof(struct tcphdr) + i * 4, option + i * 4, 4))
			return 0;
	/* Every place is looked at, those where an option begins are read: so each step is a constant. */
#pragma unroll
	for (i = 0; i < LB_TCP_OPTIONS_MAX - 3; i++) {
		if (i != next)
			continue;
		if (option[i] == 1) { /* padding */
			next = i + 1;
		} else if (option[i] == 2 && option[i + 1] == 4) {
			found = i + 2;
		} else if (option[i] && option[i + 1] >= 2) {
			next = i + option[i + 1];
		}
	}
	if (!found || bpf_xdp_load_bytes(ctx, at + sizeof(struct tcphdr) + found, &value, sizeof(value)))
		return 0;
	old = bpf_ntohs(value);
	if (old <= mss)
		return 0;
	if (bpf_xdp_load_bytes(ctx, at + 16, &check, sizeof(check)))
		return 0;
	value = bpf_htons(mss);
	if (found & 1) /* across two words of the sum: their bytes count the other way round */
		check = ~fold((__u64)(__u16)~check + (__u16)~(__u16)old + mss);
	else
		check = ~fold((__u64)(__u16)~check + (__u16)~bpf_htons(old) + value);
	if (bpf_xdp_store_bytes(ctx, at + sizeof(struct tcphdr) + found, &value, sizeof(value)) ||
	    bpf_xdp_store_bytes(ctx, at + 16, &check, sizeof(check)))
		return 0;
	return 1;
}

#endif
