// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * Sends a frame out of the interface whose number stands behind its Ethernet header: run on frames of the daemon's own,
 * to find out whether a driver takes redirected frames where the kernel cannot be asked (before Linux 6.3).
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int headrace_egress_probe(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u32 *ifindex = data + sizeof(struct ethhdr);

	if ((void *)(ifindex + 1) > end)
		return XDP_DROP;
	return bpf_redirect(*ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
