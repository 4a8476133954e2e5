/**
 * Walks the table of remembered connections, a few hundred entries at a time, and takes out what nobody needs: closed
 * and idle connections, those of backends that are gone, and those that a pinned slot would send to the same backend
 * without them. What it meets on the way says which slots may be steady again and which numbers may be used again.
 *
 * The kernel reads a hash bucket by bucket, each under its lock, so a walk meets every entry that is there from its
 * beginning to its end; only entries made or removed meanwhile may be missed.
 */
import { lbFlowCodec, lbFlowFlag, lbFlowKeyCodec } from '../bpf/generated/headrace.ts';

const KEY = lbFlowKeyCodec.size;
const VALUE = lbFlowCodec.size;
/** A connection that sent FIN or RST may still have a few packets under way. */
const CLOSING_MS = 60_000;
const NS = 1_000_000;

/** Entries as they lie in memory. */
export interface FlowBatch {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: DataView;
}

/** The table, by its raw bytes. */
export interface FlowTable {
  rawBatches(size: number): Iterable<FlowBatch>;
  /** @returns whether it was there. */
  deleteRaw(key: Uint8Array): boolean;
}

export interface FlowRules {
  /** Does the backend serve the connections it has? */
  readonly lives: (backend: number) => boolean;
  /** Where a pinned slot sends those who are not remembered; undefined for slots that are not pinned. */
  readonly pinnedTo: (ring: number, slot: number) => number | undefined;
  readonly idleMs: number;
}

export interface SweepResult {
  readonly entries: number;
  readonly removed: number;
  /** Kept, by ring and slot. */
  readonly bySlot: ReadonlyMap<number, ReadonlyMap<number, number>>;
  /** Kept, by backend. */
  readonly byBackend: ReadonlyMap<number, number>;
  readonly rings: ReadonlySet<number>;
  readonly services: ReadonlySet<number>;
}

/** Walks through it; each step is one batch. @param now monotonic milliseconds, asked once a batch. */
export function* sweepFlows(
  table: FlowTable,
  rules: FlowRules,
  now: () => number,
  batchSize = 512,
): Generator<void, SweepResult> {
  const bySlot = new Map<number, Map<number, number>>();
  const byBackend = new Map<number, number>();
  const rings = new Set<number>();
  const services = new Set<number>();
  let entries = 0;
  let removed = 0;
  for (const { count, keys, values } of table.rawBatches(batchSize)) {
    const time = now();
    for (let i = 0; i < count; i++) {
      const at = i * VALUE;
      const seen = Number(values.getBigUint64(at, true)) / NS;
      const ring = values.getUint32(at + 8, true);
      const slot = values.getUint32(at + 12, true);
      const backend = values.getUint16(at + 16, true);
      const closing = (values.getUint16(at + 18, true) & lbFlowFlag.CLOSING) !== 0;
      const silent = time - seen;
      const over = silent > rules.idleMs || (closing && silent > CLOSING_MS);
      if (over || !rules.lives(backend) || rules.pinnedTo(ring, slot) === backend) {
        if (table.deleteRaw(keys.subarray(i * KEY, (i + 1) * KEY))) removed++;
        continue;
      }
      entries++;
      rings.add(ring);
      services.add(values.getUint32(at + 20, true));
      byBackend.set(backend, (byBackend.get(backend) ?? 0) + 1);
      const slots = bySlot.get(ring) ?? new Map<number, number>();
      slots.set(slot, (slots.get(slot) ?? 0) + 1);
      bySlot.set(ring, slots);
    }
    yield;
  }
  return { entries, removed, bySlot, byBackend, rings, services };
}
