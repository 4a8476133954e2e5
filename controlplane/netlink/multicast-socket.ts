/**
 * A socket that receives notifications, driven by libuv's poll on its descriptor.
 *
 * Notifications can be lost: when the socket's queue is full the kernel drops them until the queue has been emptied,
 * and says so once (ENOBUFS). Then everything in the queue is older than what was lost, so `onOverrun` is called only
 * after it has been drained: state read from then on, with the notifications that follow, is complete again.
 *
 * ENOBUFS also raises POLLERR, on which libuv stops the poll handle: it is started again here. A wake-up handles a
 * bounded number of datagrams, so that a flood leaves time for everything else.
 *
 * A notification whose handling throws counts as lost, and the process goes on: Node warns of the exception on standard
 * error. Only a socket that can no longer be read from is the end; that exception, which would stay pending inside the
 * native layer if it left the poll callback, is thrown again from a turn of its own.
 */
import koffi from 'koffi';
import { type MessageVisitor, walkMessages } from './message.ts';
import { NetlinkError } from './netlink-error.ts';
import { NetlinkSocket, type SocketOptions } from './socket.ts';

type PollCallback = Parameters<typeof koffi.node.poll>[1];

const ENOBUFS = 105;
const EMSGSIZE = 90;

export interface MulticastOptions extends SocketOptions {
  /** Datagrams handled in one turn of the event loop; 256 by default. */
  readonly budget?: number;
  /** Sees one message: its view, then as a message visitor. */
  readonly onMessage: (view: DataView, ...message: Parameters<MessageVisitor>) => void;
  /** Notifications were lost; the queue has been drained. */
  readonly onOverrun: () => void;
  /** Called when the queue has been drained, after its messages; nothing by default. */
  readonly onIdle?: () => void;
}

export interface MulticastCounters {
  datagrams: number;
  overruns: number;
}

/** Of all these sockets of this thread, since it began. */
export const multicastTotals = { messages: 0, overruns: 0, resyncs: 0 };

export class MulticastSocket implements Disposable {
  readonly counters: MulticastCounters = { datagrams: 0, overruns: 0 };
  readonly #socket: NetlinkSocket;
  readonly #options: MulticastOptions;
  // Held in a field: a poll handle nobody refers to is collected, and polling ends without a word.
  readonly #handle: ReturnType<typeof koffi.node.poll>;
  readonly #onPoll: (status: number) => void;
  #overrun = false;
  #closed = false;

  private constructor(socket: NetlinkSocket, options: MulticastOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#onPoll = (status) => {
      try {
        this.#wake(status);
      } catch (error) {
        setImmediate(() => {
          throw error;
        });
      }
    };
    this.#handle = koffi.node.poll(socket.fd, this.#callback());
  }

  static open(options: MulticastOptions): MulticastSocket {
    const socket = NetlinkSocket.open(options);
    try {
      return new MulticastSocket(socket, options);
    } catch (error) {
      socket.close();
      throw error;
    }
  }

  /** The callback gets (status, events), whatever its declaration says. */
  #callback(): PollCallback {
    return this.#onPoll as unknown as PollCallback;
  }

  #wake(status: number): void {
    try {
      this.drain(this.#options.budget ?? 256);
    } finally {
      if (status < 0 && !this.#closed) {
        this.#handle.start({ readable: true }, this.#callback());
      }
    }
  }

  /**
   * Handles up to `budget` datagrams now, without waiting for the event loop. Returns whether the queue is empty.
   * `onOverrun` may be called from here.
   */
  drain(budget = Number.POSITIVE_INFINITY): boolean {
    for (let count = 0; count < budget && !this.#closed; count++) {
      const length = this.#socket.receive();
      if (length === -ENOBUFS || length === -EMSGSIZE) {
        this.#overrun = true;
        this.counters.overruns++;
        multicastTotals.overruns++;
        continue;
      }
      if (length < 0) throw new NetlinkError('receive netlink notifications', length);
      if (length === 0) {
        const lost = this.#overrun;
        this.#overrun = false;
        if (lost) multicastTotals.resyncs++;
        this.#tolerate(() => (lost ? this.#options.onOverrun() : this.#options.onIdle?.()));
        return true;
      }
      this.counters.datagrams++;
      const view = this.#socket.view;
      this.#tolerate(() =>
        walkMessages(view, length, (...message) => {
          multicastTotals.messages++;
          this.#options.onMessage(view, ...message);
          return !this.#closed;
        }),
      );
    }
    return false;
  }

  /** What was missed because of an exception is read again, like what the kernel dropped. */
  #tolerate(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#overrun = true;
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  /** Lets the process end although this is open. */
  unref(): void {
    if (!this.#closed) this.#handle.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
