/**
 * Gateways of routes in all tables and of next-hop objects: which neighbors forwarding depends on.
 *
 * Tables may hold a million routes and gateways are few, so no route is kept: a route's gateway is noted when it is
 * seen, and which of the noted ones are still in use is found out by reading the tables again, at most every so often
 * and only after something went away. Meanwhile a gateway too many is kept alive, which harms nobody.
 */
import { type Nexthop, neighborKey, RouteMonitor, RouteNetlink, type RouteView } from '../netlink/index.ts';

/** Who a packet is handed to, on which interface. */
export interface NextHop {
  readonly ifindex: number;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
}

const RTN_UNICAST = 1;
/** Reading a full table costs about a second of CPU. */
const SWEEP_EVERY_MS = 60_000;
const RETRY_MS = 2_000;
/** More gateways than any router has: a bound on memory. */
const GATEWAYS_MAX = 65_536;

export class NextHops implements Disposable {
  readonly #netlink = RouteNetlink.open();
  readonly #onChange: () => void;
  readonly #monitor: RouteMonitor;
  #gateways = new Map<string, NextHop>();
  /** While tables are read: what is found, besides what events bring. */
  #sweeping: Map<string, NextHop> | undefined;
  #sweepAt: number | undefined;
  #closed = false;
  // The gateway seen last: routes come in runs of the same.
  #last = { ifindex: 0, family: 0, word0: 0, word1: 0, word2: 0, word3: 0 };

  /** @param onChange gateways came or went. Reading begins at once, and goes on aside. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#monitor = RouteMonitor.open({
      groups: ['route4', 'route6'],
      onEvent: (event) => {
        if (event.kind !== 'route') return;
        if (event.action === 'new') this.#note(event.route);
        if (event.action === 'delete' || event.replaced) this.#sweepLater();
      },
      onOverrun: () => this.#sweepLater(RETRY_MS),
    });
    void this.#sweep();
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
    if (this.#sweepAt !== undefined && performance.now() >= this.#sweepAt && !this.#sweeping) void this.#sweep();
  }

  #sweepLater(milliseconds = SWEEP_EVERY_MS): void {
    const at = performance.now() + milliseconds;
    if (this.#sweepAt === undefined || at < this.#sweepAt) this.#sweepAt = at;
  }

  async #sweep(): Promise<void> {
    this.#sweepAt = undefined;
    const found = new Map<string, NextHop>();
    this.#sweeping = found;
    this.#last.family = 0;
    try {
      await this.#netlink.routes((route) => this.#note(route));
      if (this.#closed) return;
      const same = found.size === this.#gateways.size && [...found.keys()].every((key) => this.#gateways.has(key));
      this.#gateways = found;
      if (!same) this.#onChange();
    } catch {
      // The tables would not hold still. What is noted stays.
      if (!this.#closed) this.#sweepLater(RETRY_MS);
    } finally {
      this.#sweeping = undefined;
    }
  }

  #note(route: RouteView): void {
    if (route.type !== RTN_UNICAST || route.encapType !== 0) return;
    if (route.multipath) {
      for (const { ifindex, gateway, encapType } of route.hops())
        if (gateway && !encapType) this.#add({ ifindex, bytes: Uint8Array.from(gateway) });
      return;
    }
    if (route.gatewayFamily === 0) return;
    const last = this.#last;
    if (
      last.family === route.gatewayFamily &&
      last.ifindex === route.ifindex &&
      last.word0 === route.gateway0 &&
      last.word1 === route.gateway1 &&
      last.word2 === route.gateway2 &&
      last.word3 === route.gateway3
    )
      return;
    last.family = route.gatewayFamily;
    last.ifindex = route.ifindex;
    last.word0 = route.gateway0;
    last.word1 = route.gateway1;
    last.word2 = route.gateway2;
    last.word3 = route.gateway3;
    this.#add({ ifindex: route.ifindex, bytes: route.gateway()! });
  }

  #add(hop: NextHop): void {
    const key = neighborKey(hop);
    this.#sweeping?.set(key, hop);
    if (this.#gateways.has(key) || this.#gateways.size >= GATEWAYS_MAX) return;
    this.#gateways.set(key, hop);
    this.#onChange();
  }

  close(): void {
    this.#closed = true;
    this.#monitor.close();
    this.#netlink.close();
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
