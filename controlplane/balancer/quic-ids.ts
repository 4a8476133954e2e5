/**
 * Which backend gives out connection ids with which server id (QUIC-LB): packets of a connection that has changed its
 * address or port, or whose slot has moved, still find the backend that knows it.
 */
import type { LbQuicKey } from '../bpf/generated/headrace.ts';

/** The map lb_quic_ids. */
export interface QuicIdMap {
  entries(): Iterable<[LbQuicKey, number]>;
  set(key: LbQuicKey, backend: number): void;
  delete(key: LbQuicKey): boolean;
}

export interface QuicId extends LbQuicKey {
  readonly backend: number;
}

/** Makes the map say exactly this. What is there already is not written again. */
export function writeQuicIds(map: QuicIdMap, wanted: readonly QuicId[]): void {
  const there = new Map([...map.entries()].map(([key, backend]) => [nameOf(key), { key, backend }]));
  for (const { ring, server, backend } of wanted) {
    const key = { ring, server };
    if (there.get(nameOf(key))?.backend !== backend) map.set(key, backend);
    there.delete(nameOf(key));
  }
  for (const { key } of there.values()) map.delete(key);
}

function nameOf({ ring, server }: LbQuicKey): string {
  return `${ring} ${server}`;
}
