/** Links, addresses, neighbors and routes as rtnetlink tells them, read from messages into plain objects. */
import { AF_INET, AF_INET6, iff, neighborStates } from './constants.ts';
import { type Attributes, attributes, copy, type Message, string } from './message.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: Uint8Array;
  /** Bytes, layer 3. */
  readonly mtu: number;
  readonly up: boolean;
  /** Has carrier. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** Driver family of virtual links: `veth`, `vlan`, `bond`, …; undefined for hardware. */
  readonly kind: string | undefined;
  /** Index of the bridge, bond or VRF it belongs to. */
  readonly master: number | undefined;
  readonly xdp: { readonly mode: 'native' | 'generic' | 'offload' | 'several'; readonly programId: number } | undefined;
}

export interface Address {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly prefixLength: number;
  readonly broadcast: Uint8Array | undefined;
}

export interface Neighbor {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly mac: Uint8Array | undefined;
  readonly state: string;
}

export interface Route {
  readonly family: 4 | 6;
  readonly table: number;
  readonly protocol: number;
  readonly type: number;
  readonly prefixLength: number;
}

const xdpModes = [undefined, 'native', 'generic', 'offload', 'several'] as const;

function number(found: Attributes, type: number): number | undefined {
  return found.get(type)?.getUint32(0, true);
}

export function readLink(message: Message): Link {
  const found = attributes(message.body, 16);
  const flags = message.body.getUint32(8, true);
  const info = found.get(18);
  const kind = info && attributes(info, 0).get(1);
  const xdp = found.get(43) && attributes(found.get(43)!, 0);
  const mode = xdpModes[xdp?.get(2)?.getUint8(0) ?? 0];
  const name = found.get(3);
  const mac = found.get(1);
  return {
    index: message.body.getInt32(4, true),
    name: name ? string(name) : '',
    mac: mac ? copy(mac) : new Uint8Array(6),
    mtu: number(found, 4) ?? 0,
    up: (flags & iff.UP) !== 0,
    running: (flags & iff.RUNNING) !== 0,
    loopback: (flags & iff.LOOPBACK) !== 0,
    kind: kind && string(kind),
    master: number(found, 10),
    xdp: mode && { mode, programId: xdp?.get(4)?.getUint32(0, true) ?? 0 },
  };
}

function family(message: Message): 4 | 6 | undefined {
  const value = message.body.getUint8(0);
  return value === AF_INET ? 4 : value === AF_INET6 ? 6 : undefined;
}

/** @returns undefined for other families. */
export function readAddress(message: Message): Address | undefined {
  const of = family(message);
  const found = attributes(message.body, 8);
  const raw = found.get(2) ?? found.get(1); // IFA_LOCAL: ours where IFA_ADDRESS is the peer's
  if (!of || !raw) return undefined;
  const broadcast = found.get(4);
  return {
    ifindex: message.body.getUint32(4, true),
    family: of,
    bytes: copy(raw),
    prefixLength: message.body.getUint8(1),
    broadcast: broadcast && copy(broadcast),
  };
}

/** @returns undefined for other families (bridges' forwarding tables, for one). */
export function readNeighbor(message: Message): Neighbor | undefined {
  const of = family(message);
  const found = attributes(message.body, 12);
  const raw = found.get(1);
  if (!of || !raw) return undefined;
  const mac = found.get(2);
  return {
    ifindex: message.body.getInt32(4, true),
    family: of,
    bytes: copy(raw),
    mac: mac && copy(mac),
    state: neighborStates.get(message.body.getUint16(8, true)) ?? 'unknown',
  };
}

/** What counting needs of a route. Allocates nothing but the answer. */
export function readRoute(message: Message): Route | undefined {
  const of = family(message);
  if (!of) return undefined;
  const body = message.body;
  let table = body.getUint8(4);
  if (table === 252 || table === 0) table = number(attributes(body, 12), 15) ?? table; // RT_TABLE_COMPAT: see RTA_TABLE
  return {
    family: of,
    table,
    protocol: body.getUint8(5),
    type: body.getUint8(7),
    prefixLength: body.getUint8(1),
  };
}
