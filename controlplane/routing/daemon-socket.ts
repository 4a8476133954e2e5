/**
 * One question at a time over a daemon's Unix socket. Both BIRD and FRR lose or reset commands that come before the
 * answer to the last one, so questions queue here; how an answer ends is each protocol's own matter.
 */
import { createConnection, type Socket } from 'node:net';
import { DaemonError } from './daemon-error.ts';

/** What looks for the end of an answer: the answer and the bytes behind it, or undefined while it is incomplete. */
export type Framer<T> = (bytes: Buffer) => { readonly reply: T; readonly rest: Buffer } | undefined;

interface Waiting {
  /** Called with all that has come; true when it was enough. */
  take(): boolean;
  fail(error: DaemonError): void;
}

/** A connection to a daemon. Dispose of it when done. */
export class DaemonSocket implements Disposable {
  readonly path: string;
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  #chunks: Buffer[] = [];
  #waiting: Waiting | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #failure: DaemonError | undefined;

  private constructor(path: string, socket: Socket, timeoutMs: number) {
    this.path = path;
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#waiting?.take();
    });
    socket.on('error', (error) =>
      this.#fail(new DaemonError('CLOSED', `talk to ${path}: ${error.message}`, { cause: error })),
    );
    socket.on('close', () =>
      this.#fail(new DaemonError('CLOSED', `talk to ${path}: the daemon closed the connection`)),
    );
  }

  /** Connect; `timeoutMs` bounds connecting and every answer. @throws DaemonError CONNECT */
  static async connect(path: string, timeoutMs = 10_000): Promise<DaemonSocket> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error('no answer in time (ETIMEDOUT)')), timeoutMs);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve();
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(new DaemonError('CONNECT', `connect to ${path}: ${error.message}`, { cause: error }));
      });
    });
    return new DaemonSocket(path, socket, timeoutMs);
  }

  /** Send bytes (none: only wait) and wait for the answer. @throws DaemonError */
  exchange<T>(request: Uint8Array | undefined, framer: Framer<T>): Promise<T> {
    const turn = this.#last.then(() => this.#exchange(request, framer));
    this.#last = turn.catch(() => {});
    return turn;
  }

  #exchange<T>(request: Uint8Array | undefined, framer: Framer<T>): Promise<T> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        // The answer may still come and would be taken for the next one's: the connection is of no use any more.
        this.#fail(new DaemonError('TIMEOUT', `ask ${this.path}: no answer within ${this.#timeoutMs} ms`));
        this.#socket.destroy();
      }, this.#timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting = undefined;
      };
      this.#waiting = {
        take: () => {
          const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
          this.#chunks = [bytes];
          const found = framer(bytes);
          if (!found) return false;
          this.#chunks = found.rest.length > 0 ? [found.rest] : [];
          settle();
          resolve(found.reply);
          return true;
        },
        fail: (error) => {
          settle();
          reject(error);
        },
      };
      if (request) this.#socket.write(request);
      if (this.#chunks.length > 0) this.#waiting.take();
    });
  }

  #fail(error: DaemonError): void {
    this.#failure ??= error;
    this.#waiting?.fail(this.#failure);
  }

  close(): void {
    this.#socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
