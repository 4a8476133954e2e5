/**
 * Routes (struct rtmsg), read without making an object for each: one RouteView is moved from message to message, so a
 * table of a million routes costs no garbage. It is valid until the visitor returns; toRoute() makes a copy to keep.
 *
 * Addresses are held as 32-bit words in network order (word 0 of 10.0.0.1 is 0x0a000001), so an IPv4 prefix can be a
 * number key at once.
 */
import { AttributeTable, littleEndian } from './attributes.ts';
import * as c from './constants.ts';

/** One leg of a multipath route. */
export interface RouteHop {
  readonly ifindex: number;
  /** 1 and up. */
  readonly weight: number;
  /** RTNH_F_* bits. */
  readonly flags: number;
  /** 4 or 16 bytes; an IPv4 route may have an IPv6 gateway (RTA_VIA). */
  readonly gateway: Uint8Array | undefined;
  readonly encapType: number | undefined;
}

/** A route to keep. */
export interface Route {
  readonly family: 4 | 6;
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  /** RTN_*: 1 unicast, 2 local, 6 blackhole, … */
  readonly type: number;
  readonly tos: number;
  /** RTM_F_* and RTNH_F_* bits. */
  readonly flags: number;
  /** 4 or 16 bytes, host bits zero. */
  readonly destination: Uint8Array;
  readonly prefixLength: number;
  /** Length of the source prefix of source-specific routes; 0 otherwise. */
  readonly sourceLength: number;
  /** Until the kernel stops using it (IPv6), in hundredths of a second; 0: it stays. */
  readonly expires: number;
  readonly gateway: Uint8Array | undefined;
  /** 0: none. */
  readonly ifindex: number;
  readonly preferredSource: Uint8Array | undefined;
  readonly priority: number;
  /** Bytes; 0: the interface's. */
  readonly mtu: number;
  readonly mtuLocked: boolean;
  /** 0: none. */
  readonly nexthopId: number;
  readonly encapType: number;
  readonly mark: number;
  readonly hops: readonly RouteHop[];
}

const RTMSG_SIZE = 12;
const metrics = new AttributeTable();
const hopAttributes = new AttributeTable();

export class RouteView {
  family: 4 | 6 = 4;
  table = 0;
  protocol = 0;
  scope = 0;
  type = 0;
  tos = 0;
  flags = 0;
  prefixLength = 0;
  sourceLength = 0;
  /** IPv6: hundredths of a second until the kernel stops using it, long before it says so; 0: it stays. */
  expires = 0;
  /** Destination words, network order; IPv4 uses the first only. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  /** 0: no gateway. May differ from the route's family. */
  gatewayFamily: 0 | 4 | 6 = 0;
  gateway0 = 0;
  gateway1 = 0;
  gateway2 = 0;
  gateway3 = 0;
  /** Outgoing interface, 0: none. */
  ifindex = 0;
  priority = 0;
  /** Bytes; 0: not set. */
  mtu = 0;
  mtuLocked = false;
  /** Next-hop object, 0: none. */
  nexthopId = 0;
  /** LWTUNNEL_ENCAP_*, 0: none. */
  encapType = 0;
  mark = 0;
  /** The destination is rewritten on the way (MPLS, RTA_NEWDST). */
  hasNewDestination = false;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #multipath = 0;
  #multipathEnd = 0;
  #preferredSource = 0;
  #source = 0;

  /** Whether it has several legs (RTA_MULTIPATH). Groups of next-hop objects show by nexthopId. */
  get multipath(): boolean {
    return this.#multipath !== 0;
  }

  /** Moves to the message with this payload; false when it is not a route of IPv4 or IPv6. */
  read(view: DataView, start: number, end: number): boolean {
    if (end - start < RTMSG_SIZE) return false;
    const family = view.getUint8(start);
    if (family !== c.AF_INET && family !== c.AF_INET6) return false;
    this.#view = view;
    this.family = family === c.AF_INET ? 4 : 6;
    this.prefixLength = view.getUint8(start + 1);
    this.sourceLength = view.getUint8(start + 2);
    this.tos = view.getUint8(start + 3);
    this.table = view.getUint8(start + 4);
    this.protocol = view.getUint8(start + 5);
    this.scope = view.getUint8(start + 6);
    this.type = view.getUint8(start + 7);
    this.flags = view.getUint32(start + 8, littleEndian);
    this.word0 = this.word1 = this.word2 = this.word3 = 0;
    this.gatewayFamily = 0;
    this.gateway0 = this.gateway1 = this.gateway2 = this.gateway3 = 0;
    this.ifindex = this.priority = this.mtu = this.nexthopId = this.encapType = this.mark = this.expires = 0;
    this.mtuLocked = this.hasNewDestination = false;
    this.#multipath = this.#multipathEnd = this.#preferredSource = this.#source = 0;

    // The one hot loop of this layer: no closures, no tables.
    let at = start + RTMSG_SIZE;
    while (at + 4 <= end) {
      const length = view.getUint16(at, littleEndian);
      if (length < 4 || at + length > end) break;
      const value = at + 4;
      switch (view.getUint16(at + 2, littleEndian) & c.NLA_TYPE_MASK) {
        case c.RTA_DST:
          this.word0 = view.getUint32(value);
          if (length === 20) {
            this.word1 = view.getUint32(value + 4);
            this.word2 = view.getUint32(value + 8);
            this.word3 = view.getUint32(value + 12);
          }
          break;
        case c.RTA_OIF:
          this.ifindex = view.getUint32(value, littleEndian);
          break;
        case c.RTA_GATEWAY:
          this.#setGateway(value, length - 4);
          break;
        case c.RTA_VIA: // struct rtvia: family u16, address
          this.#setGateway(value + 2, length - 6);
          break;
        case c.RTA_PRIORITY:
          this.priority = view.getUint32(value, littleEndian);
          break;
        case c.RTA_TABLE:
          this.table = view.getUint32(value, littleEndian);
          break;
        case c.RTA_METRICS:
          metrics.parse(view, value, at + length);
          this.mtu = metrics.u32(c.RTAX_MTU) ?? 0;
          this.mtuLocked = ((metrics.u32(c.RTAX_LOCK) ?? 0) & (1 << c.RTAX_MTU)) !== 0;
          break;
        case c.RTA_MULTIPATH:
          this.#multipath = value;
          this.#multipathEnd = at + length;
          break;
        case c.RTA_PREFSRC:
          this.#preferredSource = value;
          break;
        case c.RTA_SRC:
          this.#source = value;
          break;
        case c.RTA_CACHEINFO: // struct rta_cacheinfo: references, last use, expires
          this.expires = view.getInt32(value + 8, littleEndian);
          break;
        case c.RTA_NH_ID:
          this.nexthopId = view.getUint32(value, littleEndian);
          break;
        case c.RTA_ENCAP_TYPE:
          this.encapType = view.getUint16(value, littleEndian);
          break;
        case c.RTA_MARK:
          this.mark = view.getUint32(value, littleEndian);
          break;
        case c.RTA_NEWDST:
          this.hasNewDestination = true;
          break;
      }
      at += (length + 3) & ~3;
    }
    return true;
  }

  #setGateway(at: number, length: number): void {
    const view = this.#view;
    this.gateway0 = view.getUint32(at);
    if (length === 16) {
      this.gateway1 = view.getUint32(at + 4);
      this.gateway2 = view.getUint32(at + 8);
      this.gateway3 = view.getUint32(at + 12);
    }
    this.gatewayFamily = length === 16 ? 6 : 4;
  }

  /** A copy: 4 or 16 bytes. */
  destination(): Uint8Array {
    return toBytes(this.family, this.word0, this.word1, this.word2, this.word3);
  }

  /** A copy, undefined when there is none. */
  gateway(): Uint8Array | undefined {
    if (this.gatewayFamily === 0) return undefined;
    return toBytes(this.gatewayFamily, this.gateway0, this.gateway1, this.gateway2, this.gateway3);
  }

  /** IPv4: the preferred source as a word, 0 when there is none. */
  get preferredSource0(): number {
    return this.#preferredSource ? this.#view.getUint32(this.#preferredSource) : 0;
  }

  /** A copy, undefined when there is none. */
  preferredSource(): Uint8Array | undefined {
    return this.#preferredSource ? copy(this.#view, this.#preferredSource, this.family === 4 ? 4 : 16) : undefined;
  }

  /** The source prefix's address, a copy; undefined when packets from anywhere are meant. */
  source(): Uint8Array | undefined {
    return this.#source ? copy(this.#view, this.#source, this.family === 4 ? 4 : 16) : undefined;
  }

  /** The legs of a multipath route; none for others. */
  hops(): RouteHop[] {
    const view = this.#view;
    const hops: RouteHop[] = [];
    // struct rtnexthop: length u16, flags u8, weight - 1 u8, ifindex s32, attributes
    for (let at = this.#multipath; at + 8 <= this.#multipathEnd; ) {
      const length = view.getUint16(at, littleEndian);
      if (length < 8 || at + length > this.#multipathEnd) break;
      const a = hopAttributes.parse(view, at + 8, at + length);
      hops.push({
        ifindex: view.getInt32(at + 4, littleEndian),
        weight: view.getUint8(at + 3) + 1,
        flags: view.getUint8(at + 2),
        gateway: a.bytes(c.RTA_GATEWAY) ?? a.bytes(c.RTA_VIA)?.subarray(2),
        encapType: a.u16(c.RTA_ENCAP_TYPE),
      });
      at += (length + 3) & ~3;
    }
    return hops;
  }

  /** A copy to keep. */
  toRoute(): Route {
    return {
      family: this.family,
      table: this.table,
      protocol: this.protocol,
      scope: this.scope,
      type: this.type,
      tos: this.tos,
      flags: this.flags,
      destination: this.destination(),
      prefixLength: this.prefixLength,
      sourceLength: this.sourceLength,
      expires: this.expires,
      gateway: this.gateway(),
      ifindex: this.ifindex,
      preferredSource: this.preferredSource(),
      priority: this.priority,
      mtu: this.mtu,
      mtuLocked: this.mtuLocked,
      nexthopId: this.nexthopId,
      encapType: this.encapType,
      mark: this.mark,
      hops: this.hops(),
    };
  }
}

function copy(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
}

function toBytes(family: 4 | 6, word0: number, word1: number, word2: number, word3: number): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 4 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, word0);
  if (family === 6) {
    view.setUint32(4, word1);
    view.setUint32(8, word2);
    view.setUint32(12, word3);
  }
  return bytes;
}
