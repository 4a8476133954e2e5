/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * VLAN tags on the way in: which interface does a tagged frame belong to?
 *
 * Tag after tag, as the kernel does it (__netif_receive_skb_core, vlan_do_receive): the tag and the interface so far
 * name a VLAN interface, and from there the next tag is looked at. A priority tag (VLAN identifier 0) that names none
 * is as good as no tag. A tag that names nothing is the kernel's, and so is a third one.
 *
 * Nothing is taken off here: packets are passed up with the tags they came with.
 */
#ifndef HEADRACE_TAGS_H
#define HEADRACE_TAGS_H

#include "maps.h"
#include "packet.h"

const volatile _Bool feature_vlan = 1;

struct vlan_header {
	__be16 tci;
	__be16 type; /* of what follows */
};

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* One tag, of protocol *type at *at. Goes on behind it. */
static __always_inline int parse_tag(struct packet *packet, const void **at, const void *end, __be16 *type)
{
	const struct vlan_header *tag = *at;
	struct vlan_key key = {.lower = packet->ingress, .protocol = *type};
	const __u32 *interface;

	if ((const void *)(tag + 1) > end)
		return pass(REASON_TRUNCATED);
	key.vid = bpf_ntohs(tag->tci) & VLAN_VID_MASK;
	interface = bpf_map_lookup_elem(&vlans, &key);
	if (interface)
		packet->ingress = *interface;
	else if (key.vid)
		return pass(REASON_VLAN);
	*type = tag->type;
	*at = tag + 1;
	packet->l3_offset += VLAN_HLEN;
	return NEXT;
}

static __always_inline int parse_tags(struct packet *packet, const void **at, const void *end, __be16 *type)
{
	int answer = parse_tag(packet, at, end, type);

	if (answer == NEXT && is_tag(*type))
		answer = parse_tag(packet, at, end, type);
	return answer;
}

#endif
