/** Bodies of route requests: dumps with a filter, lookups of one address, and changes. */
import { AttributeWriter, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

/** What a dump is restricted to; the kernel does the filtering (strict checking). Everything by default. */
export interface RouteFilter {
  /** Both by default. */
  readonly family?: 4 | 6;
  readonly table?: number;
  /** RTPROT_*. */
  readonly protocol?: number;
  /** RTN_*. */
  readonly type?: number;
  readonly ifindex?: number;
}

/** The packet a lookup is about, as far as rules and multipath hashing look at it. */
export interface RouteLookup {
  readonly from?: Uint8Array;
  /** Look up as if the packet came in here; otherwise as if it were sent from this host. */
  readonly inputIfindex?: number;
  readonly outputIfindex?: number;
  readonly mark?: number;
  readonly tos?: number;
  /** IPPROTO_TCP, IPPROTO_UDP or IPPROTO_ICMP: the only ones the kernel accepts. */
  readonly ipProtocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** The table's entry itself (true) rather than a route to this very address; false by default. */
  readonly fibMatch?: boolean;
}

/** A route to add or to delete. */
export interface RouteChange {
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  /** RT_TABLE_MAIN by default. */
  readonly table?: number;
  /** RTPROT_*; static by default. When deleting, any by default. */
  readonly protocol?: number;
  /** `unicast` by default. When deleting, any by default. */
  readonly type?: keyof typeof c.routeTypes;
  /** RT_SCOPE_*; by default link for unicast IPv4 routes without gateway, universe otherwise. */
  readonly scope?: number;
  /** 4 or 16 bytes; an IPv6 gateway of an IPv4 route goes as RTA_VIA. */
  readonly gateway?: Uint8Array;
  readonly ifindex?: number;
  readonly priority?: number;
  readonly nexthopId?: number;
  readonly preferredSource?: Uint8Array;
  /** Bytes. */
  readonly mtu?: number;
  /** The gateway is taken to be on the link; false by default. */
  readonly onlink?: boolean;
}

const RTMSG_SIZE = 12;

interface RouteHeader {
  family: number;
  destinationLength?: number;
  sourceLength?: number;
  tos?: number;
  table?: number;
  protocol?: number;
  scope?: number;
  type?: number;
  flags?: number;
}

function header(values: RouteHeader): AttributeWriter {
  return new AttributeWriter().header(RTMSG_SIZE, (view, at) => {
    view.setUint8(at, values.family);
    view.setUint8(at + 1, values.destinationLength ?? 0);
    view.setUint8(at + 2, values.sourceLength ?? 0);
    view.setUint8(at + 3, values.tos ?? 0);
    view.setUint8(at + 4, values.table ?? 0);
    view.setUint8(at + 5, values.protocol ?? 0);
    view.setUint8(at + 6, values.scope ?? 0);
    view.setUint8(at + 7, values.type ?? 0);
    view.setUint32(at + 8, values.flags ?? 0, littleEndian);
  });
}

/** Tables above 255 go as an attribute; in the header they are RT_TABLE_UNSPEC then. */
function shortTable(table: number): number {
  return table < 256 ? table : 0;
}

export function encodeRouteDump(family: 4 | 6, filter: RouteFilter): AttributeWriter {
  const writer = header({
    family: family === 4 ? c.AF_INET : c.AF_INET6,
    table: shortTable(filter.table ?? 0),
    protocol: filter.protocol ?? 0,
    type: filter.type ?? 0,
  });
  if (filter.table !== undefined) writer.u32(c.RTA_TABLE, filter.table);
  if (filter.ifindex !== undefined) writer.u32(c.RTA_OIF, filter.ifindex);
  return writer;
}

export function encodeRouteLookup(address: Uint8Array, lookup: RouteLookup): AttributeWriter {
  const bits = address.length * 8;
  const writer = header({
    family: address.length === 4 ? c.AF_INET : c.AF_INET6,
    destinationLength: bits,
    sourceLength: lookup.from ? bits : 0,
    tos: lookup.tos ?? 0,
    // IPv6 names the table anyway, and refuses to be asked to.
    flags: (address.length === 4 ? c.RTM_F_LOOKUP_TABLE : 0) | (lookup.fibMatch ? c.RTM_F_FIB_MATCH : 0),
  });
  writer.bytes(c.RTA_DST, address);
  if (lookup.from) writer.bytes(c.RTA_SRC, lookup.from);
  if (lookup.inputIfindex !== undefined) writer.u32(c.RTA_IIF, lookup.inputIfindex);
  if (lookup.outputIfindex !== undefined) writer.u32(c.RTA_OIF, lookup.outputIfindex);
  if (lookup.mark !== undefined) writer.u32(c.RTA_MARK, lookup.mark);
  if (lookup.ipProtocol !== undefined) writer.u8(c.RTA_IP_PROTO, lookup.ipProtocol);
  if (lookup.sourcePort !== undefined) writer.u16be(c.RTA_SPORT, lookup.sourcePort);
  if (lookup.destinationPort !== undefined) writer.u16be(c.RTA_DPORT, lookup.destinationPort);
  return writer;
}

export function encodeRoute(change: RouteChange, deleting: boolean): AttributeWriter {
  const ipv4 = change.destination.length === 4;
  const table = change.table ?? c.RT_TABLE_MAIN;
  const type = change.type ?? (deleting ? undefined : 'unicast');
  const direct = ipv4 && type === 'unicast' && !change.gateway && change.nexthopId === undefined;
  const writer = header({
    family: ipv4 ? c.AF_INET : c.AF_INET6,
    destinationLength: change.prefixLength,
    table: shortTable(table),
    protocol: change.protocol ?? (deleting ? 0 : c.RTPROT_STATIC),
    // RT_SCOPE_NOWHERE in a deletion matches any scope.
    scope: change.scope ?? (deleting ? 255 : direct ? c.RT_SCOPE_LINK : c.RT_SCOPE_UNIVERSE),
    type: type === undefined ? 0 : c.routeTypes[type],
    flags: change.onlink ? c.RTNH_F_ONLINK : 0,
  });
  writer.u32(c.RTA_TABLE, table);
  writer.bytes(c.RTA_DST, change.destination);
  if (change.gateway && ipv4 && change.gateway.length === 16) {
    const via = new Uint8Array(18);
    new DataView(via.buffer).setUint16(0, c.AF_INET6, littleEndian);
    via.set(change.gateway, 2);
    writer.bytes(c.RTA_VIA, via);
  } else if (change.gateway) {
    writer.bytes(c.RTA_GATEWAY, change.gateway);
  }
  if (change.ifindex !== undefined) writer.u32(c.RTA_OIF, change.ifindex);
  if (change.priority !== undefined) writer.u32(c.RTA_PRIORITY, change.priority);
  if (change.nexthopId !== undefined) writer.u32(c.RTA_NH_ID, change.nexthopId);
  if (change.preferredSource) writer.bytes(c.RTA_PREFSRC, change.preferredSource);
  if (change.mtu !== undefined) writer.nest(c.RTA_METRICS, (nest) => nest.u32(c.RTAX_MTU, change.mtu!));
  return writer;
}
