/**
 * Requests and their answers over one socket: changes (answered by an ACK), single queries, and dumps.
 *
 * A dump that ran while its table changed carries NLM_F_DUMP_INTR: what it gave may be neither the old table nor the
 * new. It is an ordinary state, answered by reading again. A dump may also end in an error, told only in its last
 * message. One request is in flight at a time; answers to others, left by a visitor that threw, are passed over by
 * their sequence number.
 */
import type { AttributeWriter } from './attributes.ts';
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR } from './constants.ts';
import { encodeMessage, type Outcome, readDone, readError, walkMessages } from './message.ts';
import { NetlinkError } from './netlink-error.ts';
import { NetlinkSocket, type SocketOptions } from './socket.ts';

/** Sees one answer: bounds of its payload in `view`, valid during the call. */
export type AnswerVisitor = (view: DataView, start: number, end: number, type: number, flags: number) => void;

const EAGAIN = 11;
const DUMP_ATTEMPTS = 16;
/** A dump is cut in slices this long, so that a full table does not hold up the event loop. */
const SLICE_MS = 8;

/** How often dumps had to be read again since the socket was opened. */
export interface RequestCounters {
  requests: number;
  dumps: number;
  interruptedDumps: number;
}

export class RequestSocket implements Disposable {
  readonly counters: RequestCounters = { requests: 0, dumps: 0, interruptedDumps: 0 };
  readonly #socket: NetlinkSocket;
  #sequence = 0;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  static open(options: SocketOptions = {}): RequestSocket {
    return new RequestSocket(NetlinkSocket.open(options));
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** Sends a change or a query, shows its answers to `visit` and returns at the ACK. Throws what the kernel refused. */
  request(action: string, type: number, flags: number, body: AttributeWriter, visit?: AnswerVisitor): void {
    this.counters.requests++;
    const sequence = this.#send(type, NLM_F_REQUEST | NLM_F_ACK | flags, body.finish());
    let outcome: Outcome | undefined;
    while (!outcome) outcome = this.#readDatagram(action, sequence, visit).outcome;
    if (outcome.errno) throw new NetlinkError(action, outcome.errno, outcome.hint);
  }

  /**
   * Reads a table whole and consistent. `restart` is called before it is read again: drop what was visited. Throws
   * NetlinkError, with code DUMP_INTERRUPTED when the table changed during each of 16 attempts.
   */
  dump(action: string, type: number, body: AttributeWriter, visit: AnswerVisitor, restart: () => void): void {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      if (attempt > 0) restart();
      const steps = this.#dumpOnce(action, type, body.finish(), visit);
      let step = steps.next();
      while (!step.done) step = steps.next();
      if (step.value) return;
    }
    throw new NetlinkError(action, 'DUMP_INTERRUPTED');
  }

  /**
   * As dump(), giving way to the event loop every few milliseconds. The socket must not be used meanwhile.
   * @param approximate one pass will do, although the table changed meanwhile
   */
  async dumpSliced(
    action: string,
    type: number,
    body: Uint8Array,
    visit: AnswerVisitor,
    restart: () => void,
    approximate = false,
  ): Promise<void> {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      if (attempt > 0) restart();
      let sliceEnd = performance.now() + SLICE_MS;
      const steps = this.#dumpOnce(action, type, body, visit);
      let step = steps.next();
      while (!step.done) {
        if (performance.now() >= sliceEnd) {
          await new Promise((resolve) => setImmediate(resolve));
          sliceEnd = performance.now() + SLICE_MS;
        }
        step = steps.next();
      }
      if (step.value || approximate) return;
    }
    throw new NetlinkError(action, 'DUMP_INTERRUPTED');
  }

  /** One pass over a table, a step a datagram; returns whether it was consistent. */
  *#dumpOnce(action: string, type: number, body: Uint8Array, visit: AnswerVisitor): Generator<void, boolean> {
    this.counters.dumps++;
    const sequence = this.#send(type, NLM_F_REQUEST | NLM_F_DUMP, body);
    let interrupted = false;
    let finished = false;
    try {
      for (;;) {
        const answer = this.#readDatagram(action, sequence, visit);
        interrupted ||= answer.interrupted;
        if (answer.outcome) {
          finished = true;
          if (answer.outcome.errno) throw new NetlinkError(action, answer.outcome.errno, answer.outcome.hint);
          if (interrupted) this.counters.interruptedDumps++;
          return !interrupted;
        }
        yield;
      }
    } finally {
      // A visitor threw. The kernel refuses another dump on this socket until the running one has been read out.
      if (!finished) this.#drain();
    }
  }

  #readDatagram(action: string, sequence: number, visit?: AnswerVisitor): { outcome?: Outcome; interrupted: boolean } {
    const length = this.#socket.receive();
    if (length <= 0) throw new NetlinkError(action, length || EAGAIN, length ? undefined : 'the kernel did not answer');
    const view = this.#socket.view;
    const result: { outcome?: Outcome; interrupted: boolean } = { interrupted: false };
    walkMessages(view, length, (type, flags, messageSequence, start, end) => {
      if (messageSequence !== sequence) return true;
      if (flags & NLM_F_DUMP_INTR && type !== NLMSG_ERROR) result.interrupted = true;
      if (type === NLMSG_ERROR) result.outcome = readError(view, flags, start, end);
      else if (type === NLMSG_DONE) result.outcome = readDone(view, flags, start, end);
      else visit?.(view, start, end, type, flags);
      return result.outcome === undefined;
    });
    return result;
  }

  #drain(): void {
    while (this.#socket.receive() > 0);
  }

  #send(type: number, flags: number, body: Uint8Array): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#socket.send(encodeMessage(type, flags, this.#sequence, body));
    return this.#sequence;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
