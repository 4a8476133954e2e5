/**
 * The far ends of a box as raw sockets: frames go in as they are, and what the router sends comes out as it is.
 *
 * A socket belongs to the namespace it was made in, so one process holds them all. Nothing blocks: sockets are drained
 * until they have been quiet for a while.
 */
import { bind, close, describeErrno, errno, recv, send, setsockopt, socket } from '../../../controlplane/bpf/libc.ts';
import type { Host } from '../library/index.ts';

const AF_PACKET = 17;
const SOCK_RAW_NONBLOCK = 3 | 0o4000 | 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const EAGAIN = 11;
const ENOBUFS = 105;

export class Wire implements Disposable {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(65_600);

  /** On an interface of `host`. @throws Error naming the call that failed. */
  constructor(host: Host, name: string) {
    const ifindex = host.ifindex(name);
    this.#fd = host.inNamespace(() => socket(AF_PACKET, SOCK_RAW_NONBLOCK, ETH_P_ALL << 8));
    if (this.#fd < 0) throw new Error(`open raw socket on ${name}: ${describeErrno(errno())}`);
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(ifindex, 4);
    const number = (value: number): Buffer => Buffer.from(Int32Array.of(value).buffer);
    const failed =
      setsockopt(this.#fd, SOL_SOCKET, SO_RCVBUFFORCE, number(32 << 20), 4) < 0 ||
      setsockopt(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, number(1), 4) < 0 ||
      bind(this.#fd, address, address.length) < 0;
    if (failed) {
      const reason = describeErrno(errno());
      close(this.#fd);
      throw new Error(`bind raw socket to ${name}: ${reason}`);
    }
  }

  /** Puts a frame on the wire. */
  send(frame: Uint8Array): void {
    for (;;) {
      if (send(this.#fd, frame, frame.length, 0) === frame.length) return;
      const code = errno();
      if (code !== ENOBUFS && code !== EAGAIN)
        throw new Error(`send frame of ${frame.length} bytes: ${describeErrno(code)}`);
    }
  }

  /** Frames that have come since the last call. */
  drain(): Buffer[] {
    const frames: Buffer[] = [];
    for (;;) {
      const length = Number(recv(this.#fd, this.#buffer, this.#buffer.length, 0));
      if (length < 0) {
        const code = errno();
        if (code !== EAGAIN) throw new Error(`receive frame: ${describeErrno(code)}`);
        return frames;
      }
      frames.push(Buffer.from(this.#buffer.subarray(0, length)));
    }
  }

  [Symbol.dispose](): void {
    close(this.#fd);
  }
}
