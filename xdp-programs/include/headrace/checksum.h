/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The Internet checksum (RFC 1071), as far as a router needs it: is an IPv4 header's right, what becomes of it when
 * the TTL goes down by one (RFC 1624), and is a transport checksum still the bare sum of the pseudo-header, which is
 * what a local sender leaves for the hardware to finish (CHECKSUM_PARTIAL).
 */
#ifndef HEADRACE_CHECKSUM_H
#define HEADRACE_CHECKSUM_H

#include "kernel.h"

static __always_inline __u16 fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Right when the ones' complement sum of the 20 bytes is all ones. Of five words the halves sum up to less than three
 * times that, so what is left of the sum need not be folded to be told. */
static __always_inline int ipv4_checksum_right(const struct iphdr *ip)
{
	const __u32 *word = (const void *)ip;
	__u64 sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4];

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	return sum == 0xffff || sum == 2 * 0xffff;
}

static __always_inline void ipv4_decrement_ttl(struct iphdr *ip)
{
	__u32 check = ip->check;

	check += bpf_htons(0x0100);
	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* Ones' complement has two zeros: 0 and 0xffff are one value. */
static __always_inline int same_sum(__u16 a, __u16 b)
{
	return a == b || (a == 0xffff && b == 0) || (a == 0 && b == 0xffff);
}

/* Sum of the pseudo-header of RFC 793 / RFC 8200 8.1. `addresses` is the sum of both addresses' 32-bit words. */
static __always_inline __u16 pseudo_header_sum(__u64 addresses, __u32 length, __u8 protocol)
{
	return fold(addresses + bpf_htonl(length) + bpf_htonl(protocol));
}

#endif
