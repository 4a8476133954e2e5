/** The packet path's counters, summed over CPUs and given their names. */

import {
  type Counter,
  counterLayout,
  pathLayout,
  reasonNames,
  type Slot,
  verdictNames,
} from '../bpf/generated/headrace.ts';
import type { BpfMap } from '../bpf/index.ts';

export interface CounterRow {
  /** Empty for packets of interfaces that have no slot. */
  readonly interface: string;
  readonly verdict: string;
  readonly reason: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

const perSlot = counterLayout.COUNTERS_PER_SLOT;

/** Rows that ever counted anything. Only slots in use are read: a system call each. */
export function readCounters(slots: BpfMap<number, Slot>, counters: BpfMap<number, Counter>): CounterRow[] {
  const rows: CounterRow[] = [];
  for (const [slot, name] of slotNames(slots)) {
    const view = counters.readRange(slot * perSlot, perSlot);
    for (let i = 0; i < perSlot; i++) {
      let packets = 0n;
      let bytes = 0n;
      for (let cpu = 0; cpu < counters.cpus; cpu++) {
        const at = (i * counters.cpus + cpu) * counters.valueStride;
        packets += view.getBigUint64(at, true);
        bytes += view.getBigUint64(at + 8, true);
      }
      const verdict = verdictNames[Math.floor(i / counterLayout.COUNTED_REASONS)];
      const reason = reasonNames[i % counterLayout.COUNTED_REASONS];
      if (packets > 0n && verdict && reason) rows.push({ interface: name, verdict, reason, packets, bytes });
    }
  }
  return rows;
}

/** What XDP sent from one interface out of another. */
export interface PathRow {
  /** Empty for interfaces that have no slot, or none of the first ones. */
  readonly from: string;
  readonly to: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

const { SLOTS: pathSlots } = pathLayout;

/** Ways that were ever taken. A system call for each slot in use. */
export function readPaths(slots: BpfMap<number, Slot>, paths: BpfMap<number, Counter>): PathRow[] {
  const names = [...slotNames(slots)].filter(([slot]) => slot < pathSlots);
  const { cpus, valueStride } = paths;
  const rows: PathRow[] = [];
  for (const [slot, from] of names) {
    const view = paths.readRange(slot * pathSlots, pathSlots);
    for (const [out, to] of names) {
      let packets = 0n;
      let bytes = 0n;
      for (let cpu = 0, at = out * cpus * valueStride; cpu < cpus; cpu++, at += valueStride) {
        packets += view.getBigUint64(at, true);
        bytes += view.getBigUint64(at + 8, true);
      }
      if (packets > 0n) rows.push({ from, to, packets, bytes });
    }
  }
  return rows;
}

/** Begins anew what was counted from and to this slot. */
export function forgetPaths(paths: BpfMap<number, Counter>, slot: number): void {
  if (slot >= pathSlots) return;
  for (let other = 0; other < pathSlots; other++)
    for (const way of [slot * pathSlots + other, other * pathSlots + slot]) paths.set(way, { packets: 0n, bytes: 0n });
}

/** Slots in use, slot 0 (everything else's) included. */
export function slotNames(slots: BpfMap<number, Slot>): Map<number, string> {
  const names = new Map([[0, '']]);
  const view = slots.readRange(0, slots.maxEntries);
  for (let slot = 1; slot < slots.maxEntries; slot++) {
    const raw = Buffer.from(view.buffer, view.byteOffset + slot * slots.valueStride, 16);
    const end = raw.indexOf(0);
    const name = raw.toString('utf8', 0, end === -1 ? 16 : end);
    if (name) names.set(slot, name);
  }
  return names;
}
