/**
 * The demo's traffic, from home to web: a steady stream of packets of each family in which every packet is accounted
 * for, web pages fetched with curl, pings, and now and then a traceroute, whose expiring packets are the kernel's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Arrived, Stream } from '../../test/lab/library/index.ts';
import type { Internet } from './internet.ts';

export interface TrafficReport {
  readonly stream: Arrived;
  readonly pagesFetched: number;
  readonly pagesFailed: number;
}

export class Traffic {
  readonly #internet: Internet;
  readonly #streams: readonly Stream[];
  readonly #visits: Promise<void>;
  #ending = false;
  #fetched = 0;
  #failed = 0;

  private constructor(internet: Internet, streams: readonly Stream[]) {
    this.#internet = internet;
    this.#streams = streams;
    this.#visits = this.#visit();
  }

  /** Starts all of it. */
  static async start(internet: Internet): Promise<Traffic> {
    const { home, web } = internet;
    const streams = await Promise.all([
      Stream.start(home, web, { source: '10.1.0.2', destination: '10.2.0.2', rate: 4000, flows: 16, port: 9004 }),
      Stream.start(home, web, { source: 'fd01::2', destination: 'fd02::2', rate: 2000, flows: 16, port: 9006 }),
    ]);
    return new Traffic(internet, streams);
  }

  get pagesFetched(): number {
    return this.#fetched;
  }

  /** Packets of the streams received so far. */
  get received(): number {
    return this.#streams.reduce((sum, stream) => sum + stream.received, 0);
  }

  /** Ends it and accounts for every packet. */
  async stop(): Promise<TrafficReport> {
    this.#ending = true;
    await this.#visits;
    const arrived = await Promise.all(this.#streams.map((stream) => stream.stop()));
    const total = (of: (one: Arrived) => number): number => arrived.reduce((sum, one) => sum + of(one), 0);
    return {
      stream: {
        sent: total((one) => one.sent),
        received: total((one) => one.received),
        lost: total((one) => one.lost),
        duplicates: total((one) => one.duplicates),
      },
      pagesFetched: this.#fetched,
      pagesFailed: this.#failed,
    };
  }

  async #visit(): Promise<void> {
    const { home } = this.#internet;
    for (let round = 0; !this.#ending; round++) {
      const [host, url] = round % 2 === 0 ? ['10.2.0.2', 'http://10.2.0.2/'] : ['fd02::2', 'http://[fd02::2]/'];
      const curl = await home.run(['curl', '-sS', '-o', '/dev/null', '--max-time', '10', url]);
      if (curl.status === 0) this.#fetched++;
      else this.#failed++;
      await home.run(['ping', '-c', '3', '-i', '0.1', '-W', '1', host]);
      if (round % 4 === 0) await home.run(['traceroute', '-n', '-q', '1', '-w', '1', '-m', '5', host]);
      if (!this.#ending) await delay(200);
    }
  }
}
