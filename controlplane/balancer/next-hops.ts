/**
 * How backends are reached: the kernel's own answer for each address, followed while it changes.
 *
 * A backend's next hop is asked for with RTM_GETROUTE and its MAC address looked up in the neighbor table, where the
 * kernel is told to keep it resolved. Nothing is decided here: when the kernel's answer is not a plain next hop on one
 * interface, there is none, and the packet path asks the kernel for every packet.
 *
 * Routes, rules, next-hop objects, links, addresses and neighbors are followed; events come in bursts and a full table brings hundreds of
 * thousands of them, so all addresses are asked again a little after the first, at most a few times a second.
 */
import { OUR_PROTOCOL as KEEPER_PROTOCOL } from '../neighbors/desired.ts';
import {
  type Link,
  type Neighbor,
  NetlinkError,
  netlinkConstants,
  parseIp,
  RouteMonitor,
  RouteNetlink,
} from '../netlink/index.ts';
import type { Unsubscribe } from './health-source.ts';

/** What the kernel says of an address, as far as the packet path can use it. */
export interface NextHop {
  /** This host has the address itself. */
  readonly local: boolean;
  readonly ifindex: number;
  /** Of the route or its interface, whichever is smaller; layer 3. */
  readonly mtu: number;
  /** Undefined while the neighbor is not resolved, and for interfaces that have no neighbors. */
  readonly mac: Uint8Array | undefined;
  readonly sourceMac: Uint8Array;
  /** Behind a router: its own MAC address is not known. */
  readonly gateway: boolean;
  /** The address of ours that the kernel would send from. */
  readonly source: Uint8Array | undefined;
  /** Why there is no MAC address, for people. */
  readonly reason: string;
}

export interface NextHops {
  /** Undefined: nothing is known yet. */
  get(address: string): NextHop | undefined;
  /** Follows these addresses and no others. */
  follow(addresses: Iterable<string>): void;
  onChange(listener: (addresses: ReadonlySet<string>) => void): Unsubscribe;
  close(): void;
}

/**
 * Marks neighbors as kept for the balancer (NDA_PROTOCOL). The keeper of what forwarding depends on leaves those of
 * another protocol alone, so what it would let go stays; what the balancer needs no more is given to it, to keep or to
 * let go.
 */
export const BALANCER_PROTOCOL = 202;

const { routeTypes } = netlinkConstants;
const SOON_MS = 20;
const AGAIN_MS = 250;
/** After a look that failed. */
const RETRY_MS = 1000;

export class KernelNextHops implements NextHops {
  readonly #netlink = RouteNetlink.open();
  readonly #monitor: RouteMonitor;
  readonly #hops = new Map<string, NextHop | undefined>();
  readonly #listeners = new Set<(addresses: ReadonlySet<string>) => void>();
  /** Next hops the kernel keeps resolved for us, by `ifindex address`. */
  readonly #kept = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #lastLook = 0;
  readonly #onError: (error: unknown) => void;
  /** Why the last look failed: told once. */
  #failed: string | undefined;

  /** @param onError hears why the kernel could not be asked; it is asked again in any case */
  constructor(onError: (error: unknown) => void = () => {}) {
    this.#onError = onError;
    this.#monitor = RouteMonitor.open({
      groups: ['link', 'neighbor', 'address4', 'address6', 'route4', 'route6', 'nexthop', 'rule4', 'rule6'],
      onEvent: (event) => {
        if (event.kind === 'neighbor' && !this.#concerns(event.neighbor)) return;
        this.#lookSoon();
      },
      onOverrun: () => this.#lookSoon(),
    });
  }

  get(address: string): NextHop | undefined {
    return this.#hops.get(address);
  }

  follow(addresses: Iterable<string>): void {
    const wanted = new Set(addresses);
    const followed = this.#hops.size;
    for (const address of this.#hops.keys()) if (!wanted.has(address)) this.#hops.delete(address);
    let another = this.#hops.size !== followed;
    for (const address of wanted)
      if (!this.#hops.has(address)) {
        this.#hops.set(address, undefined);
        another = true;
      }
    if (another) this.look();
  }

  onChange(listener: (addresses: ReadonlySet<string>) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Asks the kernel about every address again, and tells of those whose answer is another. When that fails, what is known
   * stays, and the kernel is asked again a little later.
   */
  look(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastLook = performance.now();
    try {
      this.#look();
      this.#failed = undefined;
    } catch (error) {
      const reason = String(error);
      if (reason !== this.#failed) this.#onError(error);
      this.#failed = reason;
      this.#timer ??= setTimeout(() => this.look(), RETRY_MS);
    }
  }

  #look(): void {
    this.#kept.clear();
    const neighbors = new Map(
      this.#netlink.neighbors().map((neighbor) => [keyOf(neighbor.ifindex, neighbor.bytes), neighbor]),
    );
    const links = new Map(this.#netlink.links().map((link) => [link.index, link]));
    const changed = new Set<string>();
    for (const [address, before] of this.#hops) {
      const now = this.#ask(address, neighbors, links);
      if (sameHop(before, now)) continue;
      this.#hops.set(address, now);
      changed.add(address);
    }
    for (const [key, neighbor] of neighbors)
      if (neighbor.protocol === BALANCER_PROTOCOL && !this.#kept.has(key)) this.#giveAway(neighbor);
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }

  #ask(address: string, neighbors: ReadonlyMap<string, Neighbor>, links: ReadonlyMap<number, Link>): NextHop {
    const bytes = parseIp(address)!.bytes;
    const answer = this.#netlink.getRoute(bytes);
    if (!answer.found) return none(`no route (${answer.code})`);
    const { route } = answer;
    if (route.type === routeTypes.local) return { ...none('this host'), local: true };
    if (route.type !== routeTypes.unicast) return none('the kernel has no way there');
    if (route.encapType !== 0) return none('its route encapsulates');
    const link = links.get(route.ifindex);
    if (!link) return none('its interface is gone');
    const via = route.gateway ?? bytes;
    const found = {
      local: false,
      ifindex: route.ifindex,
      mtu: Math.min(route.mtu || link.mtu, link.mtu),
      sourceMac: link.mac,
      gateway: route.gateway !== undefined,
      source: route.preferredSource,
    };
    if (link.mac.length !== 6)
      return { ...found, sourceMac: new Uint8Array(6), mac: undefined, reason: `${link.name} has no MAC addresses` };
    const neighbor = neighbors.get(keyOf(route.ifindex, via));
    this.#keep(route.ifindex, via, neighbor);
    if (!neighbor?.mac) return { ...found, mac: undefined, reason: 'its next hop does not answer' };
    return { ...found, mac: neighbor.mac, reason: '' };
  }

  /** Has the kernel resolve a next hop and keep it so. One that an operator made, or nobody resolves, is left alone. */
  #keep(ifindex: number, bytes: Uint8Array, there: Neighbor | undefined): void {
    const key = keyOf(ifindex, bytes);
    if (there?.state === 'permanent' || there?.state === 'noarp') return;
    this.#kept.add(key);
    if (there?.managed && there.protocol !== KEEPER_PROTOCOL) return; // by us already, or by somebody else
    this.#mark(ifindex, bytes, BALANCER_PROTOCOL);
  }

  /** No backend is reached by it any more. */
  #giveAway({ ifindex, bytes, state }: Neighbor): void {
    if (state !== 'permanent' && state !== 'noarp') this.#mark(ifindex, bytes, KEEPER_PROTOCOL);
  }

  #mark(ifindex: number, bytes: Uint8Array, protocol: number): void {
    try {
      this.#netlink.setNeighbor({ ifindex, bytes, managed: true, externLearn: true, protocol });
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
    }
  }

  #concerns(neighbor: Neighbor): boolean {
    return this.#kept.has(keyOf(neighbor.ifindex, neighbor.bytes));
  }

  #lookSoon(): void {
    if (this.#timer) return;
    const since = performance.now() - this.#lastLook;
    this.#timer = setTimeout(() => this.look(), since > AGAIN_MS ? SOON_MS : AGAIN_MS - since);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#monitor.close();
    this.#netlink.close();
  }
}

function none(reason: string): NextHop {
  return {
    local: false,
    ifindex: 0,
    mtu: 0,
    mac: undefined,
    sourceMac: new Uint8Array(6),
    gateway: false,
    source: undefined,
    reason,
  };
}

function keyOf(ifindex: number, bytes: Uint8Array): string {
  return `${ifindex} ${Buffer.from(bytes).toString('hex')}`;
}

function sameHop(a: NextHop | undefined, b: NextHop | undefined): boolean {
  if (!a || !b) return a === b;
  const same = (x: Uint8Array | undefined, y: Uint8Array | undefined): boolean =>
    x === y || (x !== undefined && y !== undefined && Buffer.compare(x, y) === 0);
  return (
    a.local === b.local &&
    a.ifindex === b.ifindex &&
    a.mtu === b.mtu &&
    a.gateway === b.gateway &&
    a.reason === b.reason &&
    same(a.mac, b.mac) &&
    same(a.sourceMac, b.sourceMac) &&
    same(a.source, b.source)
  );
}
