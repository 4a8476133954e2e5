/**
 * Neighbors (struct ndmsg): who answers at which link-layer address.
 *
 * A managed neighbor (NTF_EXT_MANAGED, kernel 5.16) is kept resolved by the kernel itself. Two things are for callers
 * to mind: never replace an entry that is `permanent` or `noarp`, its MAC is lost; and put a managed entry back when
 * it is deleted under us.
 */
import { AttributeTable, AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

export type NeighborState = keyof typeof c.neighborStates;

export interface Neighbor {
  readonly ifindex: number;
  readonly family: 4 | 6;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Undefined while unresolved. */
  readonly mac: Uint8Array | undefined;
  readonly state: NeighborState;
  /** The MAC may be used (NUD_VALID). */
  readonly usable: boolean;
  /** NTF_* bits. */
  readonly flags: number;
  readonly externLearn: boolean;
  readonly managed: boolean;
  readonly router: boolean;
  /** Who made it (RTPROT_*), when it was said. */
  readonly protocol: number | undefined;
}

const NDMSG_SIZE = 12;
const attributes = new AttributeTable();
const stateNames = new Map(
  Object.entries(c.neighborStates).map(([name, bit]) => [bit as number, name as NeighborState]),
);

/** Body of RTM_GETNEIGH for both families, of all interfaces or of one. */
export function encodeNeighborQuery(ifindex?: number): AttributeWriter {
  const writer = new AttributeWriter().header(NDMSG_SIZE);
  return ifindex === undefined ? writer : writer.u32(c.NDA_IFINDEX, ifindex);
}

/** Undefined for other families than IP (bridge forwarding entries come in the same messages) and for proxy entries. */
export function readNeighbor(view: DataView, start: number, end: number): Neighbor | undefined {
  if (end - start < NDMSG_SIZE) return undefined;
  const family = view.getUint8(start);
  const flags = view.getUint8(start + 10);
  if ((family !== c.AF_INET && family !== c.AF_INET6) || flags & c.NTF_PROXY) return undefined;
  const a = attributes.parse(view, start + NDMSG_SIZE, end);
  const bytes = a.bytes(c.NDA_DST);
  if (!bytes) return undefined;
  const state = view.getUint16(start + 8, littleEndian);
  const usable = (state & c.NUD_VALID) !== 0;
  return {
    ifindex: view.getInt32(start + 4, littleEndian),
    family: family === c.AF_INET ? 4 : 6,
    bytes,
    mac: usable ? a.bytes(c.NDA_LLADDR) : undefined,
    state: stateNames.get(state) ?? 'none',
    usable,
    flags,
    externLearn: (flags & c.NTF_EXT_LEARNED) !== 0,
    managed: ((a.u32(c.NDA_FLAGS_EXT) ?? 0) & c.NTF_EXT_MANAGED) !== 0,
    router: (flags & c.NTF_ROUTER) !== 0,
    protocol: a.u8(c.NDA_PROTOCOL),
  };
}

/** What to write into the neighbor table. */
export interface NeighborChange {
  readonly ifindex: number;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Left to the kernel to find out when absent. */
  readonly mac?: Uint8Array;
  /** `permanent` with a MAC by default; must be absent for managed entries, whose state is the kernel's. */
  readonly state?: NeighborState;
  /** The kernel resolves it and keeps it resolved; false by default. */
  readonly managed?: boolean;
  /** Not garbage-collected; false by default. */
  readonly externLearn?: boolean;
  /** Start resolving at once (NTF_USE); false by default. */
  readonly use?: boolean;
  /** RTPROT_*; not set by default. */
  readonly protocol?: number;
}

/** Body of RTM_NEWNEIGH and RTM_DELNEIGH. */
export function encodeNeighbor(change: NeighborChange): AttributeWriter {
  const state = change.state ?? (change.mac && !change.managed ? 'permanent' : 'none');
  const flags = (change.externLearn ? c.NTF_EXT_LEARNED : 0) | (change.use ? c.NTF_USE : 0);
  const writer = new AttributeWriter().header(NDMSG_SIZE, (view, at) => {
    view.setUint8(at, change.bytes.length === 4 ? c.AF_INET : c.AF_INET6);
    view.setInt32(at + 4, change.ifindex, littleEndian);
    view.setUint16(at + 8, c.neighborStates[state], littleEndian);
    view.setUint8(at + 10, flags);
  });
  writer.bytes(c.NDA_DST, change.bytes);
  if (change.mac) writer.bytes(c.NDA_LLADDR, change.mac);
  if (change.protocol !== undefined) writer.u8(c.NDA_PROTOCOL, change.protocol);
  if (change.managed) writer.u32(c.NDA_FLAGS_EXT, c.NTF_EXT_MANAGED);
  return writer;
}

/** Timers of the neighbors of one interface and family, milliseconds; what is absent stays. */
export interface NeighborTimers {
  readonly baseReachableMs?: number;
  readonly delayProbeMs?: number;
  readonly retransmitMs?: number;
  readonly garbageStaleMs?: number;
  /** How often managed neighbors are probed (kernel 6.0). */
  readonly intervalProbeMs?: number;
  readonly unicastProbes?: number;
  readonly multicastProbes?: number;
}

/** Body of RTM_SETNEIGHTBL. */
export function encodeNeighborTable(family: 4 | 6, ifindex: number, timers: NeighborTimers): AttributeWriter {
  return new AttributeWriter()
    .header(4, (view, at) => view.setUint8(at, family === 4 ? c.AF_INET : c.AF_INET6))
    .string(c.NDTA_NAME, family === 4 ? 'arp_cache' : 'ndisc_cache')
    .nest(c.NDTA_PARMS, (writer) => {
      const ms = (type: number, value: number | undefined): void => {
        if (value !== undefined) writer.u64(type, BigInt(Math.round(value)));
      };
      writer.u32(c.NDTPA_IFINDEX, ifindex);
      ms(c.NDTPA_BASE_REACHABLE_TIME, timers.baseReachableMs);
      ms(c.NDTPA_RETRANS_TIME, timers.retransmitMs);
      ms(c.NDTPA_GC_STALETIME, timers.garbageStaleMs);
      ms(c.NDTPA_DELAY_PROBE_TIME, timers.delayProbeMs);
      ms(c.NDTPA_INTERVAL_PROBE_TIME_MS, timers.intervalProbeMs);
      if (timers.unicastProbes !== undefined) writer.u32(c.NDTPA_UCAST_PROBES, timers.unicastProbes);
      if (timers.multicastProbes !== undefined) writer.u32(c.NDTPA_MCAST_PROBES, timers.multicastProbes);
    });
}

/** Timers as read back, and which interface and family they are of. */
export interface NeighborTable extends Required<NeighborTimers> {
  readonly family: 4 | 6;
  /** 0: the defaults for new interfaces. */
  readonly ifindex: number;
}

const parameters = new AttributeTable();

/** Reads an answer to RTM_GETNEIGHTBL. */
export function readNeighborTable(view: DataView, start: number, end: number): NeighborTable | undefined {
  const family = view.getUint8(start);
  const p = attributes.parse(view, start + 4, end).nested(c.NDTA_PARMS, parameters);
  if (!p || (family !== c.AF_INET && family !== c.AF_INET6)) return undefined;
  const ms = (type: number): number => Number(p.u64(type) ?? 0n);
  return {
    family: family === c.AF_INET ? 4 : 6,
    ifindex: p.u32(c.NDTPA_IFINDEX) ?? 0,
    baseReachableMs: ms(c.NDTPA_BASE_REACHABLE_TIME),
    delayProbeMs: ms(c.NDTPA_DELAY_PROBE_TIME),
    retransmitMs: ms(c.NDTPA_RETRANS_TIME),
    garbageStaleMs: ms(c.NDTPA_GC_STALETIME),
    intervalProbeMs: ms(c.NDTPA_INTERVAL_PROBE_TIME_MS),
    unicastProbes: p.u32(c.NDTPA_UCAST_PROBES) ?? 0,
    multicastProbes: p.u32(c.NDTPA_MCAST_PROBES) ?? 0,
  };
}
