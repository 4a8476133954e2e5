/**
 * Walks through the tables of translated connections, a few hundred entries at a time: takes out those that are over,
 * and counts the others.
 *
 * A connection is judged by its client's entry, which hears of packets of either direction, and goes with its backend's.
 * A backend's entry that stands alone (the LRU pushed its other half out, or two CPUs crossed) goes too, once it is silent.
 */
import { natState } from '../../bpf/generated/headrace.ts';
import type { FlowBatch } from '../flow-sweep.ts';
import { at, FORWARD, KEY_SIZE, peerKey, stateNames, VALUE_SIZE } from './entry.ts';

/** A table, by its raw bytes. */
export interface NatTable {
  rawBatches(size: number): Iterable<FlowBatch>;
  /** @returns whether it was there. */
  deleteRaw(key: Uint8Array): boolean;
  hasRaw(key: Uint8Array): boolean;
}

export interface NatRules {
  readonly lives: (backend: number) => boolean;
  /** Seconds, by state; of a UDP stream its service may say otherwise. */
  readonly idleSeconds: (state: number, service: number) => number;
}

/** What a walk has met and left. */
export interface NatCensus {
  /** By state. */
  readonly connections: ReadonlyMap<string, number>;
  readonly byBackend: ReadonlyMap<number, number>;
  readonly services: ReadonlySet<number>;
  /** Of both directions, by table. */
  readonly entries: { readonly flows: number; readonly opening: number };
  /** Connections taken out. */
  readonly removed: number;
}

const NS_PER_SECOND = 1e9;
/** A backend's entry silent for this long is asked for its other half. */
const ALONE_SECONDS = 60;

/** Each step is one batch. @param now monotonic milliseconds, asked once a batch */
export function* sweepNat(
  tables: { readonly flows: NatTable; readonly opening: NatTable },
  rules: NatRules,
  now: () => number,
  batchSize = 512,
): Generator<void, NatCensus> {
  const connections = new Map<string, number>();
  const byBackend = new Map<number, number>();
  const services = new Set<number>();
  const entries = { flows: 0, opening: 0 };
  let removed = 0;
  const both = [tables.flows, tables.opening];
  for (const which of ['flows', 'opening'] as const) {
    const table = tables[which];
    for (const { count, keys, values } of table.rawBatches(batchSize)) {
      const time = now() * 1e6;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let i = 0; i < count; i++) {
        const key = keys.subarray(i * KEY_SIZE, (i + 1) * KEY_SIZE);
        const offset = i * VALUE_SIZE;
        const value = bytes.subarray(offset, offset + VALUE_SIZE);
        const silent = (time - Number(values.getBigUint64(offset + at.value.seen, true))) / NS_PER_SECOND;
        const backend = values.getUint16(offset + at.value.backend, true);
        if (key[at.key.direction] !== FORWARD) {
          const alone = silent > ALONE_SECONDS && !both.some((each) => each.hasRaw(peerKey(key, value)));
          if (alone) table.deleteRaw(key);
          else entries[which]++;
          continue;
        }
        const service = values.getUint32(offset + at.value.service, true);
        const state = value[at.value.state]!;
        if (silent > rules.idleSeconds(state, service) || !rules.lives(backend)) {
          const peer = peerKey(key, value);
          if (table.deleteRaw(key)) removed++;
          for (const each of both) each.deleteRaw(peer);
          continue;
        }
        entries[which]++;
        services.add(service);
        byBackend.set(backend, (byBackend.get(backend) ?? 0) + 1);
        const name = stateNames[state] ?? String(state);
        connections.set(name, (connections.get(name) ?? 0) + 1);
      }
      yield;
    }
  }
  return { connections, byBackend, services, entries, removed };
}

/** The state whose time a service may set. */
export const STREAM = natState.UDP_STREAM;
