/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the tap is told, what it remembers, and where it shows packets.
 */
#ifndef HEADRACE_TAP_MAPS_H
#define HEADRACE_TAP_MAPS_H

#include "kernel.h"
#include "tap-abi.h"

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

#endif
