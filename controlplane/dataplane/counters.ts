/** The packet path's counters, summed over CPUs and given their names. */

import { type Counter, counterLayout, reasonNames, type Slot, verdictNames } from '../bpf/generated/headrace.ts';
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
