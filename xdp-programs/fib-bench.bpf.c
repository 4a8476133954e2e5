// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The route tables alone: programs that look up one address a run, out of a list the control plane wrote.
 *
 * answer_* note what the tables say of each address, for tests to compare; time_* do nothing besides the look-up and
 * the rewrite of the Ethernet header, for the bench to compare with the kernel's helper (time_helper*), and with no
 * look-up at all (time_static*). All of them take their address by the same few instructions.
 */
#include "headrace/kernel.h"
#include "headrace/mirror.h"

#define PROBES_MAX (1 << 20)

struct probe {
	__u8 address[16]; /* network byte order; IPv4 in the first four */
};

struct probe_run {
	__u32 cursor;
	__u32 mask; /* of the cursor: a power of two less one */
	__u32 ifindex; /* that packets seem to come in by, and static ones leave by */
	__u32 asked; /* look-ups without an answer */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct probe);
	__uint(max_entries, PROBES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} probes SEC(".maps");

/* The table's word for each probe, and above it the ifindex that a packet would leave by (0: ask). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, PROBES_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct probe_run);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
} probe_run SEC(".maps");

static __always_inline struct probe_run *this_run(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&probe_run, &zero);
}

static __always_inline int next_probe(struct probe_run *run, struct bpf_fib_lookup *fib, __u8 family, __u32 *index)
{
	const struct probe *probe;

	*index = run->cursor++ & run->mask;
	probe = bpf_map_lookup_elem(&probes, index);
	if (!probe)
		return 0;
	fib->family = family;
	fib->ifindex = run->ifindex;
	if (family == AF_INET)
		__builtin_memcpy(&fib->ipv4_dst, probe->address, 4);
	else
		__builtin_memcpy(fib->ipv6_dst, probe->address, 16);
	return 1;
}

static __always_inline int answer(__u8 family)
{
	struct bpf_fib_lookup fib = {};
	struct probe_run *run = this_run();
	__u64 *place;
	__u32 index;
	__u64 word;

	if (!run || !next_probe(run, &fib, family, &index))
		return XDP_ABORTED;
	place = bpf_map_lookup_elem(&answers, &index);
	if (!place)
		return XDP_ABORTED;
	word = family == AF_INET ? fib_mirror_entry4(fib.ipv4_dst) : fib_mirror_entry6(fib.ipv6_dst);
	if (fib_mirror_lookup(&fib) == BPF_FIB_LKUP_RET_SUCCESS)
		word |= (__u64)fib.ifindex << 32;
	*place = word;
	return XDP_PASS;
}

static __always_inline int leave(struct xdp_md *ctx, const struct bpf_fib_lookup *fib)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(eth->h_dest, fib->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, fib->smac, ETH_ALEN);
	return bpf_redirect(fib->ifindex, 0);
}

enum how { STATIC, MIRROR, HELPER };

static __always_inline int time_one(struct xdp_md *ctx, __u8 family, enum how how)
{
	struct bpf_fib_lookup fib = {};
	struct probe_run *run = this_run();
	long result = BPF_FIB_LKUP_RET_SUCCESS;
	__u32 index;

	if (!run || !next_probe(run, &fib, family, &index))
		return XDP_ABORTED;
	if (how == MIRROR)
		result = fib_mirror_lookup(&fib);
	else if (how == HELPER)
		result = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	if (result != BPF_FIB_LKUP_RET_SUCCESS) {
		run->asked++;
		return XDP_PASS;
	}
	return leave(ctx, &fib);
}

SEC("xdp")
int answer4(struct xdp_md *ctx)
{
	return answer(AF_INET);
}

SEC("xdp")
int answer6(struct xdp_md *ctx)
{
	return answer(AF_INET6);
}

SEC("xdp")
int time_static4(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET, STATIC);
}

SEC("xdp")
int time_mirror4(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET, MIRROR);
}

SEC("xdp")
int time_helper4(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET, HELPER);
}

SEC("xdp")
int time_static6(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET6, STATIC);
}

SEC("xdp")
int time_mirror6(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET6, MIRROR);
}

SEC("xdp")
int time_helper6(struct xdp_md *ctx)
{
	return time_one(ctx, AF_INET6, HELPER);
}

/* Enums that no map refers to still belong into the BTF, from which TypeScript gets their names. */
const enum fib_layout *const fib_layout_for_btf __attribute__((unused));
const enum next_hop_state *const next_hop_state_for_btf __attribute__((unused));

char _license[] SEC("license") = "Dual BSD/GPL";
