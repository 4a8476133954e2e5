/**
 * Keeps the neighbors that forwarding depends on resolved, by having the kernel keep them: see desired.ts for which.
 *
 * The kernel's table is followed. What changes about one entry is judged for that entry alone, at once; everything is
 * judged again when gateways or interfaces change, after lost events, and now and then. An entry that somebody flushed
 * is put back. A refusal by the kernel (an interface that is down, a table that is full) is tried again a second later.
 */
import {
  formatIp,
  type Neighbor,
  NetlinkError,
  type NetlinkEvent,
  neighborKey,
  StateMirror,
} from '../netlink/index.ts';
import {
  isKept,
  isOurs,
  keyOf,
  type NeighborOperation,
  neighborOperations,
  OUR_PROTOCOL,
  type Use,
  useOf,
  type Wanted,
  type World,
  wantedNeighbors,
} from './desired.ts';
import { gatewaysOfObjects, type NextHop, NextHops } from './next-hops.ts';
import { InterfaceTimers, type NamedInterface, type TimerSettings } from './timers.ts';

export interface KeeperSettings {
  /** False: nothing is kept, and what was is let go. */
  readonly keep: boolean;
  readonly timers: TimerSettings;
  /** Most entries kept. */
  readonly limit: number;
}

/** Something an operator may want to read. */
export interface NeighborNews {
  readonly ifindex: number;
  readonly address: string;
  readonly what: 'failed' | 'answers' | 'moved' | 'put back';
  readonly use: Use;
}

/** A kept neighbor as it is. */
export interface KeptNeighbor {
  readonly ifindex: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly mac: Uint8Array | undefined;
  /** `missing` when the kernel would not have it. */
  readonly state: Neighbor['state'] | 'missing';
  readonly use: Use;
}

export interface KeeperOptions {
  /** Where the former timers of interfaces are kept. */
  readonly file: string;
  readonly onNews: (news: NeighborNews) => void;
}

/** Routes come in bursts: one look for all of them. */
const SETTLE_MS = 20;

export class NeighborKeeper implements Disposable {
  readonly #onNews: (news: NeighborNews) => void;
  readonly #mirror: StateMirror;
  readonly #hops: NextHops;
  readonly #timers: InterfaceTimers;
  #settings: KeeperSettings | undefined;
  #interfaces: ReadonlySet<number> = new Set();
  #named: readonly NamedInterface[] = [];
  #wanted: Wanted = { neighbors: new Map(), surplus: 0 };
  /** State and MAC of kept neighbors as last told. */
  readonly #known = new Map<string, { readonly failed: boolean; readonly mac: string }>();
  readonly #refused = new Map<string, string>();
  /** Entries made by us that no event has told of yet: the kernel says nothing while a new one is being asked for. */
  readonly #unseen = new Map<string, NextHop>();
  readonly #failures = new Map<number, number>();
  #putBack = 0;
  #settle: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    this.#onNews = options.onNews;
    this.#mirror = StateMirror.open({
      onChange: (event) => this.#onEvent(event),
      onResync: () => this.#judgeSoon(),
    });
    try {
      this.#hops = new NextHops(() => this.#judgeSoon());
      this.#timers = new InterfaceTimers(this.#mirror.netlink, options.file);
    } catch (error) {
      this.#mirror.close();
      throw error;
    }
  }

  configure(settings: KeeperSettings): void {
    this.#settings = settings;
    this.#applyAll();
  }

  /** @param interfaces those the packet path may send out of. */
  use(interfaces: readonly NamedInterface[]): void {
    this.#named = interfaces;
    this.#interfaces = new Set(interfaces.map(({ index }) => index));
    if (this.#settings) this.#applyAll();
  }

  #applyAll(): void {
    this.#timers.apply(this.#named, this.#settings?.keep ? this.#settings.timers : undefined);
    this.#judge();
  }

  /** Once a second. */
  tick(): void {
    this.#hops.tick();
    if (this.#refused.size > 0) this.#judge();
  }

  /** Kept neighbors, gateways first. */
  kept(): KeptNeighbor[] {
    return [...this.#wanted.neighbors].map(([key, { ifindex, bytes, use }]) => {
      const neighbor = this.#mirror.neighbors.get(key);
      return {
        ifindex,
        family: bytes.length === 4 ? 4 : 6,
        address: formatIp(bytes),
        mac: neighbor?.mac,
        state: neighbor?.state ?? 'missing',
        use,
      };
    });
  }

  /** More neighbors than the limit lets be kept. */
  get surplus(): number {
    return this.#wanted.surplus;
  }

  /** Entries that were deleted under us, or replaced, and made again. */
  get putBack(): number {
    return this.#putBack;
  }

  /** How often kept neighbors stopped answering, by ifindex. */
  get failures(): ReadonlyMap<number, number> {
    return this.#failures;
  }

  /** What the kernel refused, in words. */
  refusals(): readonly string[] {
    return [...new Set(this.#refused.values())];
  }

  #world(): World {
    return {
      gateways: this.#gateways(),
      neighbors: this.#mirror.neighbors,
      interfaces: this.#settings?.keep ? this.#interfaces : new Set(),
      limit: this.#settings?.limit ?? 0,
    };
  }

  #gateways(): ReadonlyMap<string, NextHop> {
    const objects = gatewaysOfObjects(this.#mirror.nexthops.values());
    if (objects.length === 0) return this.#hops.gateways;
    return new Map([...this.#hops.gateways, ...objects.map((hop) => [keyOf(hop), hop] as const)]);
  }

  #judgeSoon(): void {
    this.#settle ??= setTimeout(() => {
      this.#settle = undefined;
      try {
        this.#judge();
      } catch (error) {
        // Nobody above a timer catches it. The next event or look judges again.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }, SETTLE_MS);
  }

  #judge(): void {
    if (!this.#settings) return;
    this.#refused.clear();
    this.#wanted = wantedNeighbors(this.#world());
    for (const key of this.#known.keys()) if (!this.#wanted.neighbors.has(key)) this.#known.delete(key);
    for (const operation of neighborOperations(this.#wanted, this.#mirror.neighbors)) this.#apply(operation);
    for (const [key, neighbor] of this.#unseen)
      if (this.#mirror.neighbors.has(key)) this.#unseen.delete(key);
      else if (!this.#wanted.neighbors.has(key)) {
        this.#unseen.delete(key);
        this.#apply({ kind: 'release', key, neighbor });
      }
  }

  #onEvent(event: NetlinkEvent): void {
    switch (event.kind) {
      case 'neighbor':
        this.#onNeighbor(event.neighbor, event.action === 'delete');
        break;
      case 'link':
      case 'address':
        this.#hops.doubt();
        break;
      case 'nexthop':
        this.#hops.doubt();
        this.#judgeSoon();
        break;
    }
  }

  /** Most events are of entries that are as they should be. */
  #onNeighbor(neighbor: Neighbor, gone: boolean): void {
    if (!this.#settings?.keep || !this.#interfaces.has(neighbor.ifindex)) return;
    const key = neighborKey(neighbor);
    const wanted = this.#wanted.neighbors.get(key);
    if (wanted) this.#tell(key, neighbor, gone, wanted.use);
    if (gone) {
      // Deleted by us, when it failed: then it is wanted no more.
      if (wanted) this.#judgeSoon();
      return;
    }
    const use = useOf(key, neighbor, this.#world());
    if (use !== wanted?.use || (use !== undefined && !isKept(neighbor)) || (use === undefined && isOurs(neighbor)))
      this.#judgeSoon();
  }

  /** Says what became of a neighbor that is kept. */
  #tell(key: string, neighbor: Neighbor, gone: boolean, use: Use): void {
    const news = (what: NeighborNews['what']): void =>
      this.#onNews({ ifindex: neighbor.ifindex, address: formatIp(neighbor.bytes), what, use });
    if (gone) {
      if (!this.#known.get(key)?.failed || use === 'gateway') {
        this.#putBack++;
        news('put back');
      }
      return;
    }
    const before = this.#known.get(key);
    if (neighbor.state === 'failed') {
      if (before?.failed) return;
      this.#failures.set(neighbor.ifindex, (this.#failures.get(neighbor.ifindex) ?? 0) + 1);
      this.#known.set(key, { failed: true, mac: before?.mac ?? '' });
      news('failed');
    } else if (neighbor.mac) {
      const mac = Buffer.from(neighbor.mac).toString('hex');
      if (before?.mac && before.mac !== mac) news('moved');
      else if (before?.failed) news('answers');
      if (before?.mac !== mac || before.failed) this.#known.set(key, { failed: false, mac });
    }
  }

  #apply({ kind, key, neighbor: { ifindex, bytes } }: NeighborOperation): void {
    try {
      if (kind === 'release') this.#mirror.netlink.deleteNeighbor({ ifindex, bytes });
      else {
        this.#mirror.netlink.setNeighbor({
          ifindex,
          bytes,
          managed: true,
          externLearn: true,
          protocol: OUR_PROTOCOL,
        });
        this.#unseen.set(key, { ifindex, bytes });
      }
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      // The interface is down or has gone: its events bring us here again.
      if (error.code === 'ENETDOWN' || error.code === 'ENODEV') return;
      this.#refused.set(key, error.message);
    }
  }

  /** Ends following. What is kept stays kept: the kernel goes on by itself. */
  close(): void {
    clearTimeout(this.#settle);
    this.#hops.close();
    this.#mirror.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
