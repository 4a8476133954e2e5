/**
 * Links, addresses, neighbors, rules, next hops and network settings, kept as the kernel has them.
 *
 * Order is what makes it right: join the groups, then read the tables, then apply what was queued meanwhile. Applying
 * an event older than the table it meets does no harm, since every later event about the same thing is in the queue
 * too. When events were lost (or a table would not hold still) everything is read again: `resyncs` counts those.
 * Events say "something about this rule changed" rather than which one, so rules are read again as a whole: they are few.
 */
import type { Address } from './address.ts';
import type { Link } from './link.ts';
import type { Neighbor } from './neighbor.ts';
import type { Netconf } from './netconf.ts';
import { NetlinkError } from './netlink-error.ts';
import type { Nexthop } from './nexthop.ts';
import { type MonitorCounters, type MonitorGroup, type NetlinkEvent, RouteMonitor } from './route-monitor.ts';
import { RouteNetlink } from './route-netlink.ts';
import type { Rule } from './rule.ts';

export interface StateMirrorOptions {
  /** Path of a network namespace; the caller's by default. */
  readonly netns?: string;
  /** The kernel's queue in bytes; 8 MiB by default. */
  readonly receiveBufferBytes?: number;
  /** Called after an event has been applied; nothing by default. */
  readonly onChange?: (event: NetlinkEvent) => void;
  /** Called when everything has been read again: anything may have changed. Nothing by default. */
  readonly onResync?: () => void;
}

const groups: readonly MonitorGroup[] = [
  ...(['link', 'address4', 'address6', 'neighbor', 'rule4', 'rule6', 'nexthop', 'netconf4', 'netconf6'] as const),
];
const RETRY_MS = 50;

/** Key of an address in the mirror. */
export function addressKey(address: Pick<Address, 'ifindex' | 'bytes' | 'prefixLength'>): string {
  return `${address.ifindex} ${address.bytes.join('.')}/${address.prefixLength}`;
}

/** Key of a neighbor in the mirror. */
export function neighborKey(neighbor: Pick<Neighbor, 'ifindex' | 'bytes'>): string {
  return `${neighbor.ifindex} ${neighbor.bytes.join('.')}`;
}

/** Key of the settings of an interface and family in the mirror. */
export function netconfKey(netconf: Pick<Netconf, 'family' | 'ifindex'>): string {
  return `${netconf.ifindex} ${netconf.family}`;
}

export class StateMirror implements Disposable {
  /** By ifindex. */
  readonly links = new Map<number, Link>();
  /** By addressKey(). */
  readonly addresses = new Map<string, Address>();
  /** By neighborKey(). */
  readonly neighbors = new Map<string, Neighbor>();
  /** By id. */
  readonly nexthops = new Map<number, Nexthop>();
  /** By netconfKey(). */
  readonly netconfs = new Map<string, Netconf>();
  #rules: readonly Rule[] = [];
  #rulesStale = false;
  #resyncs = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #options: StateMirrorOptions;
  readonly #netlink: RouteNetlink;
  readonly #monitor: RouteMonitor;

  private constructor(options: StateMirrorOptions) {
    this.#options = options;
    const place = options.netns === undefined ? {} : { netns: options.netns };
    const size = options.receiveBufferBytes === undefined ? {} : { receiveBufferBytes: options.receiveBufferBytes };
    this.#netlink = RouteNetlink.open(place);
    try {
      this.#monitor = RouteMonitor.open({
        ...place,
        ...size,
        groups,
        onEvent: (event) => this.#apply(event),
        onOverrun: () => this.#resync(),
        onIdle: () => this.#refreshRules(),
      });
    } catch (error) {
      this.#netlink.close();
      throw error;
    }
    try {
      this.#readAll();
      this.#monitor.drain();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Opened, everything is there. Throws {@link NetlinkError}. */
  static open(options: StateMirrorOptions = {}): StateMirror {
    return new StateMirror(options);
  }

  /** In the order the kernel asks them, IPv4 first. */
  get rules(): readonly Rule[] {
    return this.#rules;
  }

  /** Events by kind, datagrams, overruns, and how often everything was read again because of them. */
  get counters(): MonitorCounters & { readonly resyncs: number; readonly interruptedDumps: number } {
    const { interruptedDumps } = this.#netlink.counters;
    return { ...this.#monitor.counters, resyncs: this.#resyncs, interruptedDumps };
  }

  /** For questions and changes in the mirrored namespace. */
  get netlink(): RouteNetlink {
    return this.#netlink;
  }

  linkByName(name: string): Link | undefined {
    for (const link of this.links.values()) if (link.name === name) return link;
    return undefined;
  }

  neighbor(ifindex: number, bytes: Uint8Array): Neighbor | undefined {
    return this.neighbors.get(neighborKey({ ifindex, bytes }));
  }

  /** Applies what the kernel has announced up to now, without waiting for the event loop. */
  drain(): void {
    this.#monitor.drain();
  }

  #apply(event: NetlinkEvent): void {
    const gone = event.action === 'delete';
    switch (event.kind) {
      case 'link':
        put(this.links, event.link.index, event.link, gone);
        if (gone) this.#forgetInterface(event.link.index);
        break;
      case 'address':
        put(this.addresses, addressKey(event.address), event.address, gone);
        break;
      case 'neighbor':
        put(this.neighbors, neighborKey(event.neighbor), event.neighbor, gone);
        break;
      case 'nexthop':
        put(this.nexthops, event.nexthop.id, event.nexthop, gone);
        break;
      case 'netconf':
        put(this.netconfs, netconfKey(event.netconf), this.#mergeNetconf(event.netconf), gone);
        break;
      case 'rule':
        this.#rulesStale = true;
        break;
      case 'route':
        break;
    }
    this.#options.onChange?.(event);
  }

  /** An interface takes everything with it, announced one by one or not. */
  #forgetInterface(index: number): void {
    for (const [key, address] of this.addresses) if (address.ifindex === index) this.addresses.delete(key);
    for (const [key, neighbor] of this.neighbors) if (neighbor.ifindex === index) this.neighbors.delete(key);
    for (const [key, netconf] of this.netconfs) if (netconf.ifindex === index) this.netconfs.delete(key);
  }

  #mergeNetconf(change: Netconf): Netconf {
    const known = this.netconfs.get(netconfKey(change));
    return {
      family: change.family,
      ifindex: change.ifindex,
      forwarding: change.forwarding ?? known?.forwarding,
      rpFilter: change.rpFilter ?? known?.rpFilter,
      proxyNeighbor: change.proxyNeighbor ?? known?.proxyNeighbor,
      ignoreRoutesWithLinkDown: change.ignoreRoutesWithLinkDown ?? known?.ignoreRoutesWithLinkDown,
    };
  }

  #refreshRules(): void {
    if (!this.#rulesStale) return;
    this.#rulesStale = false;
    try {
      this.#rules = this.#netlink.rules();
    } catch (error) {
      this.#retryLater(error);
    }
  }

  #resync(): void {
    this.#resyncs++;
    try {
      this.#readAll();
    } catch (error) {
      this.#retryLater(error);
      return;
    }
    this.#options.onResync?.();
  }

  /** A table that would not hold still is a state, not a failure: it will calm down. */
  #retryLater(error: unknown): void {
    if (!(error instanceof NetlinkError) || error.code !== 'DUMP_INTERRUPTED') throw error;
    if (this.#closed) return;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      if (!this.#closed) this.#resync();
    }, RETRY_MS);
  }

  #readAll(): void {
    // All is read before anything is replaced, so that a failure leaves the old state whole.
    const links = this.#netlink.links();
    const addresses = this.#netlink.addresses();
    const neighbors = this.#netlink.neighbors();
    const nexthops = this.#netlink.nexthops();
    const netconfs = this.#netlink.netconfs();
    this.#rules = this.#netlink.rules();
    this.#rulesStale = false;
    refill(this.links, links, (link) => link.index);
    refill(this.addresses, addresses, addressKey);
    refill(this.neighbors, neighbors, neighborKey);
    refill(this.nexthops, nexthops, (nexthop) => nexthop.id);
    refill(this.netconfs, netconfs, netconfKey);
  }

  /** Lets the process end although this is open. */
  unref(): void {
    this.#monitor.unref();
    this.#retry?.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#monitor.close();
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V, gone: boolean): void {
  if (gone) map.delete(key);
  else map.set(key, value);
}

function refill<K, V>(map: Map<K, V>, values: readonly V[], key: (value: V) => K): void {
  map.clear();
  for (const value of values) map.set(key(value), value);
}
