/**
 * A packet by description. Whatever is not said is as an ordinary packet has it, so that a test states only what it is
 * about; lengths and checksums are right unless a test gives them.
 */
import { address, checksum, filler, mac, u16, u32 } from './bytes.ts';
import { type Payload, udp } from './transport.ts';

/** Priority, drop eligible and VLAN identifier of an 802.1Q tag; or the protocol too. */
export type Tag = number | readonly [protocol: number, tci: number];

export interface PacketSpec {
  /** MAC addresses. Default: from the host behind in0 to in0. */
  readonly to?: string;
  readonly from?: string;
  /** VLAN tags, the outer one first. */
  readonly tags?: readonly Tag[];
  readonly etherType?: number;
  readonly source?: string;
  readonly destination?: string;
  /** TTL or hop limit. Default 64. */
  readonly ttl?: number;
  /** TOS or traffic class. */
  readonly tos?: number;
  readonly flowLabel?: number;
  readonly id?: number;
  /** `offset` in bytes. In IPv6 a fragment header is put in. */
  readonly fragment?: { readonly offset: number; readonly more: boolean };
  /** IPv4 options, a multiple of 4 bytes. */
  readonly options?: readonly number[];
  /** IPv6 extension headers, the first one's own number before its bytes; the next header is filled in. */
  readonly extensions?: readonly (readonly [number, readonly number[]])[];
  readonly payload?: Payload;
  /** Bytes behind the IP packet. */
  readonly trailer?: number;
  readonly version?: number;
  readonly ihl?: number;
  /** Total length (IPv4) or payload length (IPv6), if not the true one. */
  readonly lengthField?: number;
  /** IPv4 header checksum, if not the right one. */
  readonly checksum?: number;
}

export const hosts = {
  in0: { router: '02:00:00:00:01:01', host: '02:00:00:00:01:02' },
  out0: { router: '02:00:00:00:02:01', host: '02:00:00:00:02:02' },
  out1: { router: '02:00:00:00:03:01', host: '02:00:00:00:03:02' },
  small: { router: '02:00:00:00:04:01', host: '02:00:00:00:04:02' },
  unable: { router: '02:00:00:00:05:01', host: '02:00:00:00:05:02' },
} as const;

export type PortName = keyof typeof hosts;

const defaults = { 4: ['10.0.1.2', '198.51.100.7'], 6: ['fd00:1::2', '2001:db8:100::7'] } as const;

function familyOf(spec: PacketSpec): 4 | 6 {
  return (spec.destination ?? spec.source ?? '').includes(':') ? 6 : 4;
}

/** The IP packet alone. */
export function ip(spec: PacketSpec): number[] {
  return familyOf(spec) === 4 ? ipv4(spec) : ipv6(spec);
}

function ipv4(spec: PacketSpec): number[] {
  const source = spec.source ?? defaults[4][0];
  const destination = spec.destination ?? defaults[4][1];
  const payload = spec.payload ?? udp();
  const body = payload.build(source, destination);
  const options = [...(spec.options ?? [])];
  const ihl = spec.ihl ?? 5 + options.length / 4;
  const fragment = spec.fragment ? (spec.fragment.more ? 0x2000 : 0) | (spec.fragment.offset / 8) : 0;
  const header = (check: number): number[] => [
    ((spec.version ?? 4) << 4) | ihl,
    spec.tos ?? 0,
    ...u16(spec.lengthField ?? 20 + options.length + body.length),
    ...u16(spec.id ?? 1),
    ...u16(fragment),
    spec.ttl ?? 64,
    payload.protocol,
    ...u16(check),
    ...address(source),
    ...address(destination),
    ...options,
  ];
  return [...header(spec.checksum ?? checksum(header(0))), ...body];
}

function ipv6(spec: PacketSpec): number[] {
  const source = spec.source ?? defaults[6][0];
  const destination = spec.destination ?? defaults[6][1];
  const payload = spec.payload ?? udp();
  const body = payload.build(source, destination);
  const chain: [number, number[]][] = (spec.extensions ?? []).map(([number, bytes]) => [number, [...bytes]]);
  if (spec.fragment) {
    const offset = spec.fragment.offset | (spec.fragment.more ? 1 : 0);
    chain.push([44, [0, 0, ...u16(offset), ...u32(spec.id ?? 1)]]);
  }
  chain.forEach(([, bytes], i) => {
    bytes[0] = chain[i + 1]?.[0] ?? payload.protocol;
  });
  const rest = [...chain.flatMap(([, bytes]) => bytes), ...body];
  return [
    ...u32((((spec.version ?? 6) << 28) | ((spec.tos ?? 0) << 20) | (spec.flowLabel ?? 0)) >>> 0),
    ...u16(spec.lengthField ?? rest.length),
    chain[0]?.[0] ?? payload.protocol,
    spec.ttl ?? 64,
    ...address(source),
    ...address(destination),
    ...rest,
  ];
}

/** The frame. */
export function packet(spec: PacketSpec = {}): Uint8Array {
  const type = spec.etherType ?? (familyOf(spec) === 4 ? 0x0800 : 0x86dd);
  return Uint8Array.from([
    ...mac(spec.to ?? hosts.in0.router),
    ...mac(spec.from ?? hosts.in0.host),
    ...(spec.tags ?? []).flatMap((tag) => (typeof tag === 'number' ? [0x8100, tag] : tag).flatMap(u16)),
    ...u16(type),
    ...ip(spec),
    ...filler(spec.trailer ?? 0),
  ]);
}

/** The same packet as a router sends it on by `port`: made anew, not changed, so that every checksum is computed. */
export function forwarded(spec: PacketSpec, port: PortName): Uint8Array {
  const { router, host } = hosts[port];
  return packet({ ...spec, to: host, from: router, ttl: (spec.ttl ?? 64) - 1, trailer: 0 });
}
