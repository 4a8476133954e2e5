/**
 * A steady stream of numbered UDP packets from one host to another, with every packet accounted for.
 *
 * Packets are sent through a raw socket with finished checksums, as a network card would have put them on the wire, so
 * they are fit for the fast path even between plain veth hosts. The receiver's buffer is large enough for seconds of a
 * busy machine: what it misses was lost in the network.
 */
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import { helperCommand } from './repository.ts';
import { until } from './wait.ts';

export interface StreamOptions {
  /** Source address; its family is the stream's. */
  readonly source: string;
  readonly destination: string;
  /** Packets per second; 0 is as fast as one thread can. Default 1000. */
  readonly rate?: number;
  /** UDP destination port. Default 9000. */
  readonly port?: number;
  /** Bytes of each IP packet. Default 100. */
  readonly size?: number;
  /** Number of source ports taken in turn. Default 1. */
  readonly flows?: number;
  /** Stop after so many packets. Default: when told. */
  readonly count?: number;
}

/** What became of a stream. */
export interface Arrived {
  readonly sent: number;
  /** Different packets received. */
  readonly received: number;
  readonly lost: number;
  readonly duplicates: number;
}

export class Stream {
  #sender: Process;
  #receiver: Process;

  private constructor(sender: Process, receiver: Process) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  /** Starts a receiver on `to`, then a sender on `from`. */
  static async start(from: Host, to: Host, options: StreamOptions): Promise<Stream> {
    const settings = { rate: 1000, port: 9000, size: 100, flows: 1, count: 0, ...options };
    const words = (mode: string): string[] => [...helperCommand('stream-process'), mode, JSON.stringify(settings)];
    const receiver = to.spawn(words('receive'));
    await receiver.line(/^listening$/);
    const sender = from.spawn(words('send'));
    await sender.line(/^sending$/);
    return new Stream(sender, receiver);
  }

  /** Different packets received so far, as of a tenth of a second ago. */
  get received(): number {
    return lastNumber(this.#receiver.stdout, 'received');
  }

  /** Packets sent so far, as of a tenth of a second ago. */
  get sent(): number {
    return lastNumber(this.#sender.stdout, 'sent');
  }

  /** Waits until `count` more packets have arrived. */
  async flow(count: number): Promise<void> {
    const goal = this.received + count;
    await until(`${count} more packets to arrive`, () => this.received >= goal);
  }

  /** Ends the sender, waits for what is under way, and says what became of all packets. */
  async stop(): Promise<Arrived> {
    await this.#sender.kill('SIGTERM');
    return this.#account();
  }

  /** Waits until the sender has sent its `count`, and says what became of all packets. */
  async finished(): Promise<Arrived> {
    await this.#sender.exited;
    return this.#account();
  }

  async #account(): Promise<Arrived> {
    const sent = this.sent;
    // Loss is what has not come when nothing has come for a good while.
    let last = -1;
    let since = Date.now();
    await until(
      'the last packets to arrive',
      () => {
        const seen = this.received;
        if (seen !== last) since = Date.now();
        last = seen;
        return seen === sent || Date.now() - since > 1500;
      },
      { timeoutMs: 60_000 },
    );
    await this.#receiver.kill('SIGTERM');
    const received = this.received;
    return { sent, received, lost: sent - received, duplicates: lastNumber(this.#receiver.stdout, 'duplicates') };
  }
}

function lastNumber(text: string, word: string): number {
  const at = text.lastIndexOf(`${word} `);
  return at < 0 ? 0 : Number.parseInt(text.slice(at + word.length + 1), 10);
}
