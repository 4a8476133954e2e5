/**
 * What an IP packet carries. A payload is built when the addresses are known, because most transport checksums cover
 * them.
 */
import { address, checksum, filler, sum, u16, u32 } from './bytes.ts';

export interface Payload {
  readonly protocol: number;
  build(source: string, destination: string): number[];
}

/**
 * `right`: as a finished packet has it. `unfinished`: the bare sum of the pseudo-header, as a local sender leaves it to
 * the hardware. A number stands there as it is.
 */
export type ChecksumField = 'right' | 'unfinished' | number;

export interface PortsSpec {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Bytes behind the transport header. Default 18. */
  readonly length?: number;
  readonly data?: readonly number[];
  readonly checksum?: ChecksumField;
}

function pseudoHeader(source: string, destination: string, protocol: number, length: number): number[] {
  return [...address(source), ...address(destination), ...u32(length), ...u32(protocol)];
}

function withChecksum(bytes: number[], at: number, protocol: number, field: ChecksumField): Payload['build'] {
  return (source, destination) => {
    const pseudo = pseudoHeader(source, destination, protocol, bytes.length);
    let value = field === 'unfinished' ? sum(pseudo) : field === 'right' ? checksum([...pseudo, ...bytes]) : field;
    if (field === 'right' && protocol === 17 && value === 0) value = 0xffff;
    return [...bytes.slice(0, at), ...u16(value), ...bytes.slice(at + 2)];
  };
}

export function udp(spec: PortsSpec = {}): Payload {
  const data = spec.data ?? filler(spec.length ?? 18);
  const head = [
    ...u16(spec.sourcePort ?? 40_000),
    ...u16(spec.destinationPort ?? 4_242),
    ...u16(8 + data.length),
    0,
    0,
  ];
  return { protocol: 17, build: withChecksum([...head, ...data], 6, 17, spec.checksum ?? 'right') };
}

export const tcpFlag = { FIN: 0x01, SYN: 0x02, RST: 0x04, ACK: 0x10 } as const;

export interface TcpSpec extends PortsSpec {
  /** Default: ACK. */
  readonly flags?: number;
  /** Default 1 and 2. */
  readonly sequence?: number;
  readonly acknowledged?: number;
  readonly window?: number;
  /** A multiple of 4 bytes. */
  readonly options?: readonly number[];
}

export function tcp(spec: TcpSpec = {}): Payload {
  const data = [...(spec.options ?? []), ...(spec.data ?? filler(spec.length ?? 18))];
  const ports = [...u16(spec.sourcePort ?? 40_000), ...u16(spec.destinationPort ?? 80)];
  const numbers = [...u32(spec.sequence ?? 1), ...u32(spec.acknowledged ?? 2)];
  const offset = 0x50 + ((spec.options?.length ?? 0) / 4) * 0x10;
  const head = [...ports, ...numbers, offset, spec.flags ?? tcpFlag.ACK, ...u16(spec.window ?? 1024), 0, 0, 0, 0];
  return { protocol: 6, build: withChecksum([...head, ...data], 16, 6, spec.checksum ?? 'right') };
}

/** SCTP's checksum is a CRC: any number but 0 is finished here. */
export function sctp(spec: PortsSpec = {}): Payload {
  const field = typeof spec.checksum === 'number' ? spec.checksum : spec.checksum === 'unfinished' ? 0 : 0x1234_5678;
  const head = [...u16(spec.sourcePort ?? 40_000), ...u16(spec.destinationPort ?? 2_905), ...u32(9), ...u32(field)];
  return carries(132, [...head, ...filler(spec.length ?? 18)]);
}

/** Echo request. */
export function icmp(length = 18): Payload {
  const bytes = [8, 0, 0, 0, ...u16(1), ...u16(1), ...filler(length)];
  const value = checksum(bytes);
  return carries(1, [...bytes.slice(0, 2), ...u16(value), ...bytes.slice(4)]);
}

export function icmp6(field: ChecksumField = 'right', length = 18): Payload {
  return { protocol: 58, build: withChecksum([128, 0, 0, 0, ...u16(1), ...u16(1), ...filler(length)], 2, 58, field) };
}

/** Any protocol with the bytes given. */
export function carries(protocol: number, bytes: readonly number[]): Payload {
  return { protocol, build: () => [...bytes] };
}

/** Any ICMP message with the right checksum; `rest` is what follows type, code and checksum. */
export function icmpMessage(type: number, code: number, rest: readonly number[]): Payload {
  const value = checksum([type, code, 0, 0, ...rest]);
  return carries(1, [type, code, ...u16(value), ...rest]);
}

export function icmp6Message(type: number, code: number, rest: readonly number[]): Payload {
  return { protocol: 58, build: withChecksum([type, code, 0, 0, ...rest], 2, 58, 'right') };
}
