/**
 * A netlink socket with its receive buffer.
 *
 * Sockets never block: the kernel answers a request, and fills the next part of a dump, inside our own system calls,
 * so an empty queue means that nothing more will come. A dump datagram is at most 32 KiB; the buffer is twice that, and
 * MSG_TRUNC tells if a datagram was larger still. The socket's queue is made large with SO_RCVBUFFORCE (needs
 * CAP_NET_ADMIN; without it the system's limit applies). A socket stays in the namespace it was made in.
 */
import * as libc from '../bpf/libc.ts';
import { inNetns } from '../bpf/netns.ts';
import { littleEndian } from './attributes.ts';
import * as c from './constants.ts';
import { NetlinkError } from './netlink-error.ts';

const BUFFER_BYTES = 64 * 1024;
const EAGAIN = 11;
const EINTR = 4;
const EMSGSIZE = 90;

export interface SocketOptions {
  /** NETLINK_ROUTE by default. */
  readonly protocol?: number;
  /** Path of a network namespace (/run/netns/NAME); the caller's by default. */
  readonly netns?: string;
  /** Size of the kernel's queue in bytes; 8 MiB by default. */
  readonly receiveBufferBytes?: number;
  /** Numbers of multicast groups to join; none by default. */
  readonly groups?: readonly number[];
  /** A classic BPF program (struct sock_filter, eight bytes each) that says what is received; all by default. */
  readonly filter?: Uint8Array;
}

/** One AF_NETLINK socket. Throws {@link NetlinkError}. */
export class NetlinkSocket implements Disposable {
  /** What the last receive() got. */
  readonly view: DataView;
  readonly #buffer: Uint8Array;
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
    this.view = new DataView(this.#buffer.buffer);
  }

  static open(options: SocketOptions = {}): NetlinkSocket {
    const make = (): number => {
      const type = c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC;
      const fd = libc.socket(c.AF_NETLINK, type, options.protocol ?? c.NETLINK_ROUTE);
      if (fd < 0) throw new NetlinkError('open netlink socket', libc.errno());
      return fd;
    };
    const fd = options.netns === undefined ? make() : inNetns(options.netns, make);
    const socket = new NetlinkSocket(fd);
    try {
      socket.#prepare(options);
    } catch (error) {
      socket.close();
      throw error;
    }
    return socket;
  }

  get fd(): number {
    if (this.#fd < 0) throw new NetlinkError('use netlink socket', 9 /* EBADF */, 'it has been closed');
    return this.#fd;
  }

  #prepare(options: SocketOptions): void {
    const bytes = options.receiveBufferBytes ?? 8 * 1024 * 1024;
    // The kernel doubles what it is given and counts its own overhead against it.
    if (!this.#option(c.SOL_SOCKET, c.SO_RCVBUFFORCE, bytes)) this.#option(c.SOL_SOCKET, c.SO_RCVBUF, bytes);
    this.#option(c.SOL_NETLINK, c.NETLINK_EXT_ACK, 1);
    this.#option(c.SOL_NETLINK, c.NETLINK_GET_STRICT_CHK, 1);
    const address = new Uint8Array(12);
    new DataView(address.buffer).setUint16(0, c.AF_NETLINK, littleEndian);
    if (libc.bind(this.fd, address, address.length) < 0) throw new NetlinkError('bind netlink socket', libc.errno());
    // Before joining, so that nothing slips in.
    if (options.filter && libc.attachFilter(this.fd, options.filter) < 0)
      throw new NetlinkError('filter netlink socket', libc.errno());
    for (const group of options.groups ?? []) {
      if (!this.#option(c.SOL_NETLINK, c.NETLINK_ADD_MEMBERSHIP, group)) {
        throw new NetlinkError(`join netlink group ${group}`, libc.errno());
      }
    }
  }

  #option(level: number, name: number, value: number): boolean {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, value, littleEndian);
    return libc.setsockopt(this.fd, level, name, bytes, 4) === 0;
  }

  /** Sends to the kernel. */
  send(message: Uint8Array): void {
    for (;;) {
      if (libc.send(this.fd, message, message.length, 0) >= 0) return;
      const code = libc.errno();
      if (code !== EINTR) throw new NetlinkError('send netlink request', code);
    }
  }

  /** Takes one datagram into `view`: its length, 0 when there is none, or a negative errno (-ENOBUFS: some were lost). */
  receive(): number {
    for (;;) {
      const length = Number(libc.recv(this.fd, this.#buffer, this.#buffer.length, c.MSG_DONTWAIT | c.MSG_TRUNC));
      if (length > this.#buffer.length) return -EMSGSIZE;
      if (length >= 0) return length;
      const code = libc.errno();
      if (code === EAGAIN) return 0;
      if (code !== EINTR) return -code;
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    libc.close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
