/**
 * Gateways of routes in all tables and of next-hop objects: which neighbors forwarding depends on.
 *
 * Tables may hold a million routes and gateways are few, so no route is kept: a route's gateway is noted when it is
 * seen, and which of the noted ones are still in use is found out by reading the tables again, at most every so often
 * and only after something went away, in another thread. Meanwhile a gateway too many is kept alive, which harms nobody.
 */
import { type Nexthop, neighborKey, RouteMonitor } from '../netlink/index.ts';
import { GatewayNotes, gatewaysMax, type NextHop } from './gateway-notes.ts';
import { GatewaySweep } from './gateway-sweep.ts';

export type { NextHop } from './gateway-notes.ts';

/** Reading a full table costs a thread about a second of CPU. */
const SWEEP_EVERY_MS = 60_000;
const RETRY_MS = 2_000;

export class NextHops implements Disposable {
  readonly #onChange: () => void;
  readonly #monitor: RouteMonitor;
  #gateways = new Map<string, NextHop>();
  /** While tables are read: what events bring meanwhile. */
  #met: Map<string, NextHop> | undefined;
  #sweep: GatewaySweep | undefined;
  #sweepAt: number | undefined;
  #closed = false;
  readonly #notes = new GatewayNotes((hop) => this.#add(hop));

  /** @param onChange gateways came or went. Reading begins at once, and goes on aside. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#monitor = RouteMonitor.open({
      groups: ['route4', 'route6'],
      onEvent: (event) => {
        if (event.kind !== 'route') return;
        if (event.action === 'new') this.#notes.note(event.route);
        if (event.action === 'delete' || event.replaced) this.#sweepLater();
      },
      onOverrun: () => this.#sweepLater(RETRY_MS),
    });
    void this.#read();
  }

  /** By neighborKey(). */
  get gateways(): ReadonlyMap<string, NextHop> {
    return this.#gateways;
  }

  /** Links, addresses or next-hop objects changed: IPv4 routes vanish then without a word. */
  doubt(): void {
    this.#sweepLater();
  }

  /** Reads the tables again if it is time. Once a second. */
  tick(): void {
    if (this.#sweepAt !== undefined && performance.now() >= this.#sweepAt && !this.#sweep) void this.#read();
  }

  #sweepLater(milliseconds = SWEEP_EVERY_MS): void {
    const at = performance.now() + milliseconds;
    if (this.#sweepAt === undefined || at < this.#sweepAt) this.#sweepAt = at;
  }

  async #read(): Promise<void> {
    this.#sweepAt = undefined;
    const met = new Map<string, NextHop>();
    this.#met = met;
    this.#notes.clear();
    try {
      this.#sweep = new GatewaySweep();
      const found = new Map([...(await this.#sweep.gateways), ...met]);
      if (this.#closed) return;
      const same = found.size === this.#gateways.size && [...found.keys()].every((key) => this.#gateways.has(key));
      this.#gateways = found;
      this.#notes.clear();
      if (!same) this.#onChange();
    } catch {
      // The tables would not hold still. What is noted stays.
      if (!this.#closed) this.#sweepLater(RETRY_MS);
    } finally {
      this.#met = this.#sweep = undefined;
    }
  }

  #add(hop: NextHop): void {
    const key = neighborKey(hop);
    this.#met?.set(key, hop);
    if (this.#gateways.has(key) || this.#gateways.size >= gatewaysMax) return;
    this.#gateways.set(key, hop);
    this.#onChange();
  }

  close(): void {
    this.#closed = true;
    this.#monitor.close();
    this.#sweep?.end();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Gateways of next-hop objects: groups consist of such. */
export function gatewaysOfObjects(nexthops: Iterable<Nexthop>): NextHop[] {
  const hops: NextHop[] = [];
  for (const { ifindex, gateway, encapType, fdb } of nexthops)
    if (ifindex !== undefined && gateway && !encapType && !fdb) hops.push({ ifindex, bytes: gateway });
  return hops;
}
