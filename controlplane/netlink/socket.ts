/**
 * A netlink socket. It belongs to the network namespace it was opened in.
 *
 * Two kinds of use, never on one socket: requests and dumps, where the caller waits for the answer (the kernel answers
 * inside the system call, so that costs microseconds), and multicast, read when the event loop says so.
 */
import { bind, close, describeErrno, errno, recv, send, setsockopt, socket } from '../bpf/libc.ts';
import { AF_NETLINK, control, flag } from './constants.ts';
import { attributes, encode, type Message, messages, NetlinkError, string } from './message.ts';

const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SO_RCVBUF = 8;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const EINTR = 4;
const ENOBUFS = 105;

/** The kernel fills at most 32 KiB of a dump's datagram. */
const BUFFER_BYTES = 64 * 1024;
/** Times that a dump which changed underneath is started anew before its answer is taken as it is. */
const DUMP_ATTEMPTS = 8;

export class NetlinkSocket implements Disposable {
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #fd: number;
  #sequence = 0;

  /** @param receiveBytes kernel's queue for this socket; the default holds some ten thousand route events. */
  constructor(protocol: number, options: { readonly nonblocking?: boolean; readonly receiveBytes?: number } = {}) {
    const type = SOCK_RAW | SOCK_CLOEXEC | (options.nonblocking ? SOCK_NONBLOCK : 0);
    this.#fd = socket(AF_NETLINK, type, protocol);
    if (this.#fd < 0) throw new NetlinkError('open netlink socket', errno());
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    if (bind(this.#fd, address, address.length) < 0) {
      const code = errno();
      this.close();
      throw new NetlinkError('bind netlink socket', code);
    }
    const receiveBytes = options.receiveBytes ?? 8 << 20;
    if (!this.#option(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytes)) this.#option(SOL_SOCKET, SO_RCVBUF, receiveBytes);
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, 1);
    this.#option(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  }

  get fd(): number {
    if (this.#fd < 0) throw new Error('use netlink socket: it is closed');
    return this.#fd;
  }

  #option(level: number, name: number, value: number): boolean {
    const raw = Buffer.alloc(4);
    raw.writeUInt32LE(value);
    return setsockopt(this.#fd, level, name, raw, raw.length) === 0;
  }

  join(multicastGroup: number): void {
    if (!this.#option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, multicastGroup))
      throw new NetlinkError(`join netlink group ${multicastGroup}`, errno());
  }

  /**
   * One datagram's messages, valid until the next call.
   * @returns undefined when nothing waits, 'overrun' when the kernel dropped events for want of room.
   */
  receive(): Iterable<Message> | 'overrun' | undefined {
    for (;;) {
      const length = recv(this.fd, this.#buffer, this.#buffer.length, MSG_DONTWAIT);
      if (length >= 0) return messages(this.#buffer.subarray(0, length));
      const code = errno();
      if (code === EAGAIN) return undefined;
      if (code === ENOBUFS) return 'overrun';
      if (code !== EINTR) throw new NetlinkError('receive from netlink', code, describeErrno(code));
    }
  }

  #send(type: number, flags: number, body: Uint8Array, action: string): number {
    const sequence = ++this.#sequence;
    const message = encode(type, flags, sequence, body);
    if (send(this.fd, message, message.length, 0) < 0) throw new NetlinkError(action, errno());
    return sequence;
  }

  /** Waits for one datagram. */
  #wait(action: string): Iterable<Message> {
    for (;;) {
      const length = recv(this.fd, this.#buffer, this.#buffer.length, 0);
      if (length >= 0) return messages(this.#buffer.subarray(0, length));
      const code = errno();
      if (code !== EINTR && code !== ENOBUFS) throw new NetlinkError(action, code);
    }
  }

  /** Asks for one thing or one change. @returns the first message that is no acknowledgement, if any. */
  request(type: number, flags: number, body: Uint8Array, action: string): Message | undefined {
    const sequence = this.#send(type, flag.REQUEST | flags, body, action);
    for (;;) {
      for (const message of this.#wait(action)) {
        if (message.sequence !== sequence) continue;
        if (message.type !== control.ERROR) return message;
        throwError(message, action);
        return undefined;
      }
    }
  }

  /**
   * Walks a dump; `visit` sees each message once it is there, and again when the dump had to be started anew because
   * the table changed under it (`restart` is called before that).
   */
  dump(
    type: number,
    body: Uint8Array,
    action: string,
    visit: (message: Message) => void,
    restart: () => void = () => {},
  ): void {
    for (let attempt = 1; ; attempt++) {
      const interrupted = this.#dumpOnce(type, body, action, visit);
      if (!interrupted || attempt === DUMP_ATTEMPTS) return;
      restart();
    }
  }

  #dumpOnce(type: number, body: Uint8Array, action: string, visit: (message: Message) => void): boolean {
    const sequence = this.#send(type, flag.REQUEST | flag.DUMP, body, action);
    let interrupted = false;
    for (;;) {
      for (const message of this.#wait(action)) {
        if (message.sequence !== sequence) continue;
        if (message.flags & flag.DUMP_INTR) interrupted = true;
        if (message.type === control.ERROR) throwError(message, action);
        if (message.type === control.DONE) {
          const code = message.body.byteLength >= 4 ? message.body.getInt32(0, true) : 0;
          if (code < 0) throw new NetlinkError(action, code);
          return interrupted;
        }
        visit(message);
      }
    }
  }

  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Throws what an error message says; returns for an acknowledgement (error 0). */
function throwError(message: Message, action: string): void {
  const code = message.body.getInt32(0, true);
  if (code === 0) return;
  // Behind the code stands the request's header, then (extended acknowledgement) attributes; 1 is the text.
  const capped = (message.flags & 0x100) !== 0;
  const offset = 4 + (capped ? 16 : (message.body.getUint32(4, true) + 3) & ~3);
  const detail = message.flags & 0x200 ? attributes(message.body, offset).get(1) : undefined;
  throw new NetlinkError(action, code, detail ? string(detail) : undefined);
}
