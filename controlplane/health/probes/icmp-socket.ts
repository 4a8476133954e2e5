/**
 * Sockets for ICMP echo, which Node does not have: one a family for all checks, polled by libuv.
 *
 * A raw socket (CAP_NET_RAW) gets a copy of every ICMP packet of the host, so it is opened with a filter for echo
 * replies. Where raw sockets are not allowed, a ping socket does, if net.ipv4.ping_group_range lets this process; the
 * kernel then writes an identifier of its own. Either way an answer is told by a random token in its payload.
 *
 * The traps of koffi's poll are those of controlplane/netlink/multicast-socket.ts: the handle is kept in a field, and
 * nothing is thrown out of its callback.
 */
import koffi from 'koffi';
import * as libc from '../../bpf/libc.ts';
import { littleEndian } from '../../netlink/attributes.ts';

type PollCallback = Parameters<typeof koffi.node.poll>[1];

const AF = { 4: 2, 6: 10 } as const;
const PROTOCOL = { 4: 1, 6: 58 } as const;
const ECHO = { 4: 8, 6: 128 } as const;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;
const SOCK_RAW = 3;
const SOCK_DGRAM = 2;
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const SOL_RAW = 255;
const SOL_ICMPV6 = 58;
const FILTER = 1;
const EAGAIN = 11;
/** Datagrams read in one turn of the event loop. */
const BUDGET = 256;
const HEADER = 8;
export const TOKEN_BYTES = 16;

/** No ICMP socket can be had. */
export class IcmpError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'IcmpError';
    this.code = code;
  }
}

export class IcmpSocket {
  readonly #family: 4 | 6;
  readonly #raw: boolean;
  readonly #fd: number;
  readonly #onToken: (token: string) => void;
  readonly #buffer = new Uint8Array(new ArrayBuffer(2048));
  readonly #handle: ReturnType<typeof koffi.node.poll>;
  #sequence = 0;
  #closed = false;

  /** @param onToken called with the token (hex) of every echo reply. @throws IcmpError */
  constructor(family: 4 | 6, onToken: (token: string) => void) {
    this.#family = family;
    this.#onToken = onToken;
    const raw = libc.socket(AF[family], SOCK_RAW | NONBLOCK_CLOEXEC, PROTOCOL[family]);
    this.#raw = raw >= 0;
    this.#fd = raw >= 0 ? raw : libc.socket(AF[family], SOCK_DGRAM | NONBLOCK_CLOEXEC, PROTOCOL[family]);
    if (this.#fd < 0) {
      const code = libc.errno();
      throw new IcmpError(
        libc.errnoName(code),
        `ICMP checks need CAP_NET_RAW, or a group within net.ipv4.ping_group_range (${libc.errnoName(code)})`,
      );
    }
    if (this.#raw) this.#filter();
    this.#handle = koffi.node.poll(this.#fd, ((status: number) => this.#wake(status)) as unknown as PollCallback);
    // Checks keep the process alive by their timers; the socket alone need not.
    this.#handle.unref();
  }

  /** Only echo replies: for IPv4 a bit a type that is dropped, for IPv6 256 of them, in host order. */
  #filter(): void {
    if (this.#family === 4) {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, ~(1 << ECHO_REPLY[4]) >>> 0, littleEndian);
      libc.setsockopt(this.#fd, SOL_RAW, FILTER, bytes, bytes.length);
      return;
    }
    const bytes = new Uint8Array(32).fill(0xff);
    const view = new DataView(bytes.buffer);
    const word = ECHO_REPLY[6] >> 5;
    view.setUint32(word * 4, ~(1 << (ECHO_REPLY[6] & 31)) >>> 0, littleEndian);
    libc.setsockopt(this.#fd, SOL_ICMPV6, FILTER, bytes, bytes.length);
  }

  /** Sends an echo request that carries `token`. @throws Error with the code of an errno */
  send(address: Uint8Array, token: Uint8Array): void {
    const packet = new Uint8Array(HEADER + TOKEN_BYTES);
    const view = new DataView(packet.buffer);
    packet[0] = ECHO[this.#family];
    view.setUint16(4, process.pid & 0xffff);
    view.setUint16(6, this.#sequence++ & 0xffff);
    packet.set(token, HEADER);
    // For IPv6, and on ping sockets, the kernel fills it in.
    if (this.#family === 4) view.setUint16(2, internetChecksum(packet));
    const name = socketAddress(this.#family, address);
    if (libc.sendto(this.#fd, packet, packet.length, 0, name, name.length) >= 0) return;
    const code = libc.errno();
    throw Object.assign(new Error(libc.describeErrno(code)), { code: libc.errnoName(code) });
  }

  #wake(status: number): void {
    try {
      for (let count = 0; count < BUDGET; count++) {
        const length = Number(libc.recv(this.#fd, this.#buffer, this.#buffer.length, 0));
        if (length < 0) {
          // An error that a packet of ours brought back (unreachable) is taken off the socket by reading it.
          if (libc.errno() === EAGAIN) break;
          continue;
        }
        this.#read(length);
      }
    } catch (error) {
      setImmediate(() => {
        throw error;
      });
    }
    if (status < 0 && !this.#closed)
      this.#handle.start({ readable: true }, ((next: number) => this.#wake(next)) as unknown as PollCallback);
  }

  #read(length: number): void {
    // IPv4 raw sockets give the IP header as well.
    const at = this.#raw && this.#family === 4 ? (this.#buffer[0]! & 15) * 4 : 0;
    if (length < at + HEADER + TOKEN_BYTES || this.#buffer[at] !== ECHO_REPLY[this.#family]) return;
    this.#onToken(Buffer.from(this.#buffer.subarray(at + HEADER, at + HEADER + TOKEN_BYTES)).toString('hex'));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    libc.close(this.#fd);
  }
}

/** RFC 1071, of an even number of bytes whose checksum field is zero. */
export function internetChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** struct sockaddr_in or sockaddr_in6, port 0. */
function socketAddress(family: 4 | 6, address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  new DataView(bytes.buffer).setUint16(0, AF[family], littleEndian);
  bytes.set(address, family === 4 ? 4 : 8);
  return bytes;
}
