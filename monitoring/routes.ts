/** Routes counted by table, family and protocol. */
import { setTimeout as sleep } from 'node:timers/promises';
import { netlinkConstants, type RouteNetlink } from '../controlplane/netlink/index.ts';

/** Its name, or its number as text. */
export function routeProtocolName(protocol: number): string {
  return netlinkConstants.routeProtocols.get(protocol) ?? String(protocol);
}

type Counts = ReadonlyMap<string, number>;

/** Between the end of a count and the next: at least this, and so many times as long as it took. */
const REST_MS = 10_000;
const REST_SHARE = 100;
/** A small table is counted while somebody waits. */
const WAIT_MS = 200;

/**
 * Counts now and then, and tells what it counted last: a million routes take seconds to list, which neither a scrape nor
 * the daemon's other work shall pay for again and again.
 */
export class RouteCounter {
  readonly #count: () => Promise<Counts>;
  readonly #clock: () => number;
  #last: Counts = new Map();
  #error: unknown;
  #running: Promise<void> | undefined;
  #next = Number.NEGATIVE_INFINITY;

  /** @param clock milliseconds that only go forward. */
  constructor(count: () => Promise<Counts>, clock: () => number = () => performance.now()) {
    this.#count = count;
    this.#clock = clock;
  }

  /** The newest there are; none before the first count is done. Rejects when the last one failed. */
  async counts(): Promise<Counts> {
    if (!this.#running && this.#clock() >= this.#next) this.#running = this.#run();
    if (this.#running) await Promise.race([this.#running, sleep(WAIT_MS, undefined, { ref: false })]);
    if (this.#error !== undefined) throw this.#error;
    return this.#last;
  }

  async #run(): Promise<void> {
    const began = this.#clock();
    try {
      this.#last = await this.#count();
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
    this.#next = this.#clock() + Math.max(REST_MS, (this.#clock() - began) * REST_SHARE);
    this.#running = undefined;
  }
}

/** Every route of every table; keys are "table family protocol". Leaves the event loop free between slices. */
export function countRoutes(netlink: RouteNetlink): Promise<ReadonlyMap<string, number>> {
  return netlink.countRoutes(({ table, family, protocol }) => `${table} ${family} ${protocol}`);
}
