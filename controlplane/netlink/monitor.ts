/**
 * Follows multicast groups on a socket of its own, without blocking.
 *
 * When events come faster than they are read the kernel drops some and says so once (ENOBUFS): `onOverrun` is then the
 * only truth left, and whoever keeps state lists everything anew. A wake-up handles a bounded number of datagrams, so
 * that a storm of routes does not hold up the event loop.
 */
import koffi from 'koffi';
import { errnoName } from '../bpf/libc.ts';
import type { Message } from './message.ts';
import { NetlinkSocket } from './socket.ts';

const DATAGRAMS_PER_WAKEUP = 256;

export interface MonitorOptions {
  /** NETLINK_ROUTE or NETLINK_GENERIC. */
  readonly protocol: number;
  readonly groups: readonly number[];
  /** The message is valid during the call only. */
  readonly onMessage: (message: Message) => void;
  readonly onOverrun: () => void;
  readonly receiveBytes?: number;
}

export class NetlinkMonitor implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #options: MonitorOptions;
  // Held for as long as we listen: a handle nobody refers to is collected, and polling ends without a word.
  readonly #poll: ReturnType<typeof koffi.node.poll>;
  #closed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#socket = new NetlinkSocket(options.protocol, {
      nonblocking: true,
      ...(options.receiveBytes === undefined ? {} : { receiveBytes: options.receiveBytes }),
    });
    for (const group of options.groups) this.#socket.join(group);
    const wake = this.#wake.bind(this) as () => void;
    this.#poll = koffi.node.poll(this.#socket.fd, { readable: true }, wake);
  }

  #wake(status: number): void {
    try {
      if (this.#closed) return;
      this.#drain();
      // After an error libuv stops polling by itself.
      if (status < 0 && !this.#closed) this.#poll.start({ readable: true }, this.#wake.bind(this) as () => void);
    } catch (error) {
      // An exception in a poll callback would be swallowed and surface anywhere.
      setImmediate(() => {
        throw error instanceof Error ? error : new Error(`follow netlink: ${errnoName(status)}`);
      });
    }
  }

  #drain(): void {
    for (let i = 0; i < DATAGRAMS_PER_WAKEUP; i++) {
      const datagram = this.#socket.receive();
      if (datagram === undefined) return;
      if (datagram === 'overrun') this.#options.onOverrun();
      else for (const message of datagram) this.#options.onMessage(message);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
