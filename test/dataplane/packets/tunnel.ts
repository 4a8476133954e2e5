/** A packet in another: what a balancer sends to a backend behind a tunnel. */
import { address, checksum, mac, u16, u32 } from './bytes.ts';
import { hosts, ip, type PacketSpec, type PortName } from './packet.ts';

export interface TunnelSpec {
  /** Where it leaves. */
  readonly port: PortName;
  readonly source: string;
  readonly destination: string;
  readonly flowLabel?: number;
  readonly gue?: { readonly sourcePort: number; readonly destinationPort: number };
  readonly ttl?: number;
}

/** The frame: outer headers, and the packet with its TTL one less. Every checksum is computed over all it covers. */
export function tunneled(inner: PacketSpec, tunnel: TunnelSpec): Uint8Array {
  const body = ip({ ...inner, ttl: (inner.ttl ?? 64) - 1 });
  const innerFamily = body[0]! >> 4;
  const v6 = tunnel.destination.includes(':');
  const ends = [...address(tunnel.source), ...address(tunnel.destination)];
  let payload = body;
  if (tunnel.gue) {
    const head = (check: number): number[] => [
      ...u16(tunnel.gue!.sourcePort),
      ...u16(tunnel.gue!.destinationPort),
      ...u16(8 + body.length),
      ...u16(check),
    ];
    const covered = [...ends, ...u32(8 + body.length), ...u32(17), ...head(0), ...body];
    payload = [...head(v6 && carriesChecksum(inner, body) ? checksum(covered) || 0xffff : 0), ...body];
  }
  const protocol = tunnel.gue ? 17 : innerFamily === 4 ? 4 : 41;
  const tos = inner.tos ?? 0;
  const header = v6
    ? [
        ...u32(((6 << 28) | (tos << 20) | (tunnel.flowLabel ?? 0)) >>> 0),
        ...u16(payload.length),
        protocol,
        tunnel.ttl ?? 64,
        ...ends,
      ]
    : ipv4Header(payload.length, tos, protocol, tunnel.ttl ?? 64, ends);
  const { router, host } = hosts[tunnel.port];
  return Uint8Array.from([...mac(host), ...mac(router), ...u16(v6 ? 0x86dd : 0x0800), ...header, ...payload]);
}

function ipv4Header(length: number, tos: number, protocol: number, ttl: number, ends: readonly number[]): number[] {
  const header = (check: number): number[] => [
    ...[0x45, tos],
    ...u16(20 + length),
    ...u16(0),
    ...u16(0x4000),
    ...[ttl, protocol],
    ...u16(check),
    ...ends,
  ];
  return header(checksum(header(0)));
}

/** Has the inner packet a transport checksum that an outer one can be derived from? */
function carriesChecksum(inner: PacketSpec, body: readonly number[]): boolean {
  if (inner.fragment) return false;
  const v4 = body[0]! >> 4 === 4;
  const protocol = v4 ? body[9] : body[6];
  const at = v4 ? 20 : 40;
  return protocol !== 17 || ((body[at + 6]! << 8) | body[at + 7]!) !== 0;
}
