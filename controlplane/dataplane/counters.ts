/**
 * The packet path's counters, summed over CPUs and given their names.
 *
 * While ways are counted, a packet that was sent is counted by its way alone (enum path_kind in abi.h): an interface's
 * counters are what stands there and what its ways say. Both stay when ways are switched off, so sums never go back.
 */

import {
  type Counter,
  type CpuCounters,
  counterCodec,
  counterLayout,
  cpuCountersCodec,
  pathKind,
  pathLayout,
  reasonNames,
  reason as reasons,
  type Slot,
  verdictNames,
  verdict as verdicts,
} from '../bpf/generated/headrace.ts';
import { type BpfMap, CpuCells } from '../bpf/index.ts';

export interface CounterRow {
  /** Empty for packets of interfaces that have no slot. */
  readonly interface: string;
  readonly verdict: string;
  readonly reason: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** What XDP sent from one interface out of another. */
export interface PathRow {
  /** Empty for interfaces that have no slot, or none of the first ones. */
  readonly from: string;
  readonly to: string;
  readonly packets: bigint;
  readonly bytes: bigint;
}

interface Count {
  packets: bigint;
  bytes: bigint;
}

const { COUNTERS_PER_SLOT: perSlot, COUNTED_REASONS: reasonsCounted } = counterLayout;
const { SLOTS: pathSlots, KINDS: kinds } = pathLayout;

const cells = (field: keyof CpuCounters) => (map: BpfMap<number, CpuCounters>) =>
  CpuCells.field(map, cpuCountersCodec, field, counterCodec);

/** Of interfaces, by slot, verdict and reason: without what ways say. */
export const cellsOf = cells('cells');

/** Of ways, by slot of arrival, slot of departure and kind. */
export const waysOf = cells('ways');

/** Of ways to slots that changed hands, by slot of arrival and kind. Packets do not write these. */
const goneOf = cells('gone');

/** The cell of an interface that a way's kind is one of; undefined: that is counted there itself. */
function cellOfKind(kind: number): number | undefined {
  const redirected = kind >= pathKind.REDIRECT;
  const verdict = redirected ? verdicts.REDIRECT : verdicts.TX;
  switch (redirected ? kind - pathKind.REDIRECT : kind) {
    case pathKind.FORWARDED:
      return verdict * reasonsCounted + reasons.FORWARDED;
    case pathKind.MIRROR:
      return verdict * reasonsCounted + reasons.FORWARDED_MIRROR;
    case pathKind.BALANCED:
      return verdict * reasonsCounted + reasons.BALANCED;
    default:
      return undefined;
  }
}

/** Sums over CPUs, from `first` on. */
function sums(cells: CpuCells<Counter>, first: number, count: number): Count[] {
  const view = cells.readRange(first, count);
  const { cpus, valueStride } = cells;
  return Array.from({ length: count }, (_, i) => {
    const sum = { packets: 0n, bytes: 0n };
    for (let cpu = 0, at = i * valueStride; cpu < cpus; cpu++, at += count * valueStride) {
      sum.packets += view.getBigUint64(at, true);
      sum.bytes += view.getBigUint64(at + 8, true);
    }
    return sum;
  });
}

function add(to: Count, more: Count): void {
  to.packets += more.packets;
  to.bytes += more.bytes;
}

/** All counters of a slot's interface, by verdict and reason. */
export function slotCounters(counters: BpfMap<number, CpuCounters>, slot: number): Count[] {
  const found = sums(cellsOf(counters), slot * perSlot, perSlot);
  if (slot >= pathSlots) return found;
  for (const ways of [
    sums(waysOf(counters), slot * pathSlots * kinds, pathSlots * kinds),
    sums(goneOf(counters), slot * kinds, kinds),
  ])
    ways.forEach((way, i) => {
      const cell = cellOfKind(i % kinds);
      if (cell !== undefined) add(found[cell]!, way);
    });
  return found;
}

/** Rows that ever counted anything, of slots in use. */
export function readCounters(slots: BpfMap<number, Slot>, counters: BpfMap<number, CpuCounters>): CounterRow[] {
  const rows: CounterRow[] = [];
  for (const [slot, name] of slotNames(slots))
    slotCounters(counters, slot).forEach(({ packets, bytes }, i) => {
      const verdict = verdictNames[Math.floor(i / reasonsCounted)];
      const reason = reasonNames[i % reasonsCounted];
      if (packets > 0n && verdict && reason) rows.push({ interface: name, verdict, reason, packets, bytes });
    });
  return rows;
}

/** Ways that were ever taken. */
export function readPaths(slots: BpfMap<number, Slot>, counters: BpfMap<number, CpuCounters>): PathRow[] {
  const names = [...slotNames(slots)].filter(([slot]) => slot < pathSlots);
  const ways = waysOf(counters);
  const rows: PathRow[] = [];
  for (const [slot, from] of names) {
    const counts = sums(ways, slot * pathSlots * kinds, pathSlots * kinds);
    for (const [out, to] of names) {
      const sum = { packets: 0n, bytes: 0n };
      for (let kind = 0; kind < kinds; kind++) add(sum, counts[out * kinds + kind]!);
      if (sum.packets > 0n) rows.push({ from, to, ...sum });
    }
  }
  return rows;
}

/**
 * Begins anew all that was counted of this slot's interface, and from and to it. What others sent to it stays in their
 * counters.
 */
export function forgetSlot(counters: BpfMap<number, CpuCounters>, slot: number): void {
  const none = { packets: 0n, bytes: 0n };
  const [cells, ways, gone] = [cellsOf(counters), waysOf(counters), goneOf(counters)];
  for (let i = 0; i < perSlot; i++) cells.set(slot * perSlot + i, none);
  if (slot >= pathSlots) return;
  for (let other = 0; other < pathSlots; other++)
    for (let kind = 0; kind < kinds; kind++) {
      const to = (other * pathSlots + slot) * kinds + kind;
      const kept = gone.getPerCpu(other * kinds + kind)[0]!;
      const sum = { ...kept };
      for (const count of ways.getPerCpu(to)) add(sum, count);
      if (sum.packets > kept.packets) gone.setOf(0, other * kinds + kind, sum);
      ways.set(to, none);
      ways.set((slot * pathSlots + other) * kinds + kind, none);
    }
  for (let kind = 0; kind < kinds; kind++) gone.set(slot * kinds + kind, none);
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
