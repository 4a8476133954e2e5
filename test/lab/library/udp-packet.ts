/**
 * A UDP packet over IPv4 or IPv6 with a number in it, whose checksums are finished and stay right when the number
 * changes.
 *
 * The payload begins with two 32-bit words in network byte order: the number's complement, then the number. Their sum is
 * always the same, so the UDP checksum is computed once, whatever the number.
 */
import { parseIp } from '../../../controlplane/netlink/ip-address.ts';

export interface UdpPacketOptions {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Bytes of the IP packet, at least 56. */
  readonly size: number;
  /** TTL or hop limit. Default 64. */
  readonly ttl?: number;
}

export interface UdpPacket {
  /** From the IP header on; valid until the next call of number(). */
  readonly bytes: Uint8Array;
  /** Destination address, 4 or 16 bytes. */
  readonly destination: Uint8Array;
  /** Writes the packet's number. */
  number(value: number): void;
}

/** Builds the packet, numbered 0. */
export function udpPacket(options: UdpPacketOptions): UdpPacket {
  const source = address(options.source);
  const destination = address(options.destination);
  const v6 = destination.length === 16;
  const header = v6 ? 40 : 20;
  const bytes = new Uint8Array(options.size);
  const view = new DataView(bytes.buffer);
  const length = options.size - header;
  if (v6) {
    view.setUint32(0, 0x60000000);
    view.setUint16(4, length);
    bytes[6] = 17;
    bytes[7] = options.ttl ?? 64;
    bytes.set(source, 8);
    bytes.set(destination, 24);
  } else {
    view.setUint16(0, 0x4500);
    view.setUint16(2, options.size);
    view.setUint16(6, 0x4000);
    bytes[8] = options.ttl ?? 64;
    bytes[9] = 17;
    bytes.set(source, 12);
    bytes.set(destination, 16);
    view.setUint16(10, onesComplement(bytes.subarray(0, 20), 0));
  }
  view.setUint16(header, options.sourcePort);
  view.setUint16(header + 2, options.destinationPort);
  view.setUint16(header + 4, length);
  const payload = header + 8;
  const number = (value: number): void => {
    view.setUint32(payload, ~value >>> 0);
    view.setUint32(payload + 4, value);
  };
  number(0);
  const pseudo = sum(source) + sum(destination) + 17 + length;
  view.setUint16(header + 6, onesComplement(bytes.subarray(header), pseudo) || 0xffff);
  return { bytes, destination, number };
}

function address(text: string): Uint8Array {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`build packet: "${text}" is not an address`);
  return parsed.bytes;
}

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return total;
}

/** The Internet checksum (RFC 1071) of `bytes`, starting from `initial`. */
function onesComplement(bytes: Uint8Array, initial: number): number {
  let total = initial + sum(bytes);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}
