/** Translated connections one by one, as people and programs read them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatIp } from '../../netlink/ip-address.ts';
import { at, FORWARD, KEY_SIZE, stateNames, VALUE_SIZE } from './entry.ts';
import type { NatTable } from './sweep.ts';

/** A connection; addresses and ports as text, IPv6 in brackets. */
export interface ConnectionRow {
  readonly protocol: 'tcp' | 'udp';
  readonly client: string;
  readonly vip: string;
  /** How its backend sees the client: differs from `client` with SNAT, or when its port was taken. */
  readonly source: string;
  readonly target: string;
  readonly service: string;
  /** `POOL/BACKEND`. */
  readonly backend: string;
  readonly state: string;
  readonly idleSeconds: number;
  /** Not confirmed yet: a flood may push it out. */
  readonly opening: boolean;
}

/** What is asked for; what is left out is not asked. */
export interface ConnectionFilter {
  readonly service?: string | undefined;
  readonly backend?: string | undefined;
  readonly state?: string | undefined;
  /** Text of an address: the client's. */
  readonly client?: string | undefined;
}

export interface ConnectionList {
  /** Connections that match, by state. */
  readonly states: Readonly<Record<string, number>>;
  readonly matching: number;
  /** The first of them. */
  readonly connections: readonly ConnectionRow[];
}

/** What numbers stand for. */
export interface Names {
  readonly service: (number: number) => string;
  readonly backend: (number: number) => string;
}

/** Walks through both tables, in slices between other work. */
export async function listConnections(
  tables: { readonly flows: NatTable; readonly opening: NatTable },
  names: Names,
  filter: ConnectionFilter,
  limit: number,
  now: () => number,
): Promise<ConnectionList> {
  const states: Record<string, number> = {};
  const connections: ConnectionRow[] = [];
  let matching = 0;
  for (const which of ['flows', 'opening'] as const)
    for (const { count, keys, values } of tables[which].rawBatches(512)) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let i = 0; i < count; i++) {
        const key = keys.subarray(i * KEY_SIZE, (i + 1) * KEY_SIZE);
        if (key[at.key.direction] !== FORWARD) continue;
        const value = bytes.subarray(i * VALUE_SIZE, (i + 1) * VALUE_SIZE);
        const row = rowOf(key, value, names, which === 'opening', now());
        if (!matches(row, filter, addressAt(key, at.key.source))) continue;
        matching++;
        states[row.state] = (states[row.state] ?? 0) + 1;
        if (connections.length < limit) connections.push(row);
      }
      await nextTurn();
    }
  return { states, matching, connections };
}

function matches(row: ConnectionRow, filter: ConnectionFilter, client: string): boolean {
  return (
    (filter.service === undefined || row.service === filter.service) &&
    (filter.backend === undefined || row.backend === filter.backend) &&
    (filter.state === undefined || row.state === filter.state) &&
    (filter.client === undefined || client === filter.client)
  );
}

function rowOf(key: Uint8Array, value: Uint8Array, names: Names, opening: boolean, now: number): ConnectionRow {
  const view = new DataView(value.buffer, value.byteOffset, VALUE_SIZE);
  const seenMs = Number(view.getBigUint64(at.value.seen, true)) / 1e6;
  return {
    protocol: key[at.key.protocol] === 6 ? 'tcp' : 'udp',
    client: endOf(key, at.key.source, at.key.sourcePort),
    vip: endOf(key, at.key.destination, at.key.destinationPort),
    source: endOf(value, at.value.source, at.value.sourcePort),
    target: endOf(value, at.value.destination, at.value.destinationPort),
    service: names.service(view.getUint32(at.value.service, true)),
    backend: names.backend(view.getUint16(at.value.backend, true)),
    state: stateNames[value[at.value.state]!] ?? String(value[at.value.state]),
    idleSeconds: Math.max(0, Math.floor((now - seenMs) / 1000)),
    opening,
  };
}

const MAPPED = 12;

function addressAt(bytes: Uint8Array, offset: number): string {
  const address = bytes.subarray(offset, offset + 16);
  const v4 = address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
  return formatIp(v4 ? address.subarray(MAPPED) : address);
}

function endOf(bytes: Uint8Array, address: number, port: number): string {
  const text = addressAt(bytes, address);
  const number = (bytes[port]! << 8) | bytes[port + 1]!;
  return text.includes(':') ? `[${text}]:${number}` : `${text}:${number}`;
}
