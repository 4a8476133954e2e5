/**
 * The kernel table in which VIPs are announced: reads, follows and changes the routes in it that carry our protocol
 * number. That number is what makes a route ours: others' routes in the table are never touched.
 *
 * Only this table's notifications reach this process (a filter on the socket): a routing daemon that loads a full table
 * elsewhere costs nothing here. They are hints. Whenever one disagrees with what is known here, the table is read again,
 * so that the order of our own changes and of others' does not matter.
 */
import {
  formatPrefix,
  NetlinkError,
  parsePrefix,
  RouteMonitor,
  RouteNetlink,
  type RouteView,
  routeProtocols,
} from '../netlink/index.ts';
import type { VipRoute } from './plan.ts';

const RTN_UNICAST = 1;
const RTN_BLACKHOLE = 6;

export interface TableOptions {
  readonly table: number;
  readonly protocol: number;
  /** Routes go out of this interface and vanish with it; blackholes when undefined. */
  readonly ifindex: number | undefined;
  /** The routes may have been changed by others. */
  readonly onChange: () => void;
}

export class AnnounceTable {
  readonly #options: TableOptions;
  readonly #netlink: RouteNetlink;
  readonly #monitor: RouteMonitor;
  /** By VIP and metric. */
  #routes = new Map<string, VipRoute>();
  /** Goes up with every change of ours, so that a reading under way can tell that it is out of date. */
  #changes = 0;
  #disagrees = false;

  private constructor(options: TableOptions) {
    this.#options = options;
    this.#netlink = RouteNetlink.open();
    try {
      this.#monitor = RouteMonitor.open({
        groups: ['route4', 'route6'],
        routeTable: options.table,
        onEvent: (event) => {
          if (event.kind === 'route') this.#compare(event.action === 'new', event.route);
        },
        onIdle: () => {
          if (this.#disagrees) this.#options.onChange();
          this.#disagrees = false;
        },
        onOverrun: () => this.#options.onChange(),
      });
    } catch (error) {
      this.#netlink.close();
      throw error;
    }
  }

  /** Follows the table from now on. @throws NetlinkError */
  static open(options: TableOptions): AnnounceTable {
    return new AnnounceTable(options);
  }

  /** As last read and changed by us. */
  get routes(): readonly VipRoute[] {
    return [...this.#routes.values()];
  }

  #isOurs(route: RouteView): boolean {
    return route.table === this.#options.table && route.protocol === this.#options.protocol && route.sourceLength === 0;
  }

  #compare(present: boolean, route: RouteView): void {
    if (!this.#isOurs(route)) return;
    const found = this.#read(route);
    const known = this.#routes.get(keyOf(found));
    if (present ? known?.rightKind !== found.rightKind : known !== undefined) this.#disagrees = true;
  }

  #read(route: RouteView): VipRoute {
    const { ifindex } = this.#options;
    return {
      vip: formatPrefix(route.destination(), route.prefixLength),
      metric: route.priority,
      rightKind:
        ifindex === undefined ? route.type === RTN_BLACKHOLE : route.type === RTN_UNICAST && route.ifindex === ifindex,
    };
  }

  /** Reads the table until a reading is complete and nothing was changed by us meanwhile. @throws NetlinkError */
  async reload(): Promise<void> {
    const { table, protocol } = this.#options;
    for (;;) {
      const before = this.#changes;
      const routes = { 4: new Map<string, VipRoute>(), 6: new Map<string, VipRoute>() };
      await this.#netlink.routes(
        (route) => {
          if (!this.#isOurs(route)) return;
          const found = this.#read(route);
          routes[route.family].set(keyOf(found), found);
        },
        { table, protocol, onRestart: (family) => routes[family].clear() },
      );
      if (before !== this.#changes) continue;
      this.#routes = new Map([...routes[4], ...routes[6]]);
      return;
    }
  }

  /** @throws NetlinkError; Error when the place is taken by a route of somebody else. */
  add(vip: string, metric: number, replace: boolean): void {
    const { table, protocol, ifindex } = this.#options;
    const { bytes: destination, prefixLength } = prefixOf(vip);
    this.#changes++;
    try {
      this.#netlink.addRoute(
        {
          destination,
          prefixLength,
          table,
          protocol,
          priority: metric,
          ...(ifindex === undefined ? { type: 'blackhole' } : { type: 'unicast', ifindex }),
        },
        { replace },
      );
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'EEXIST')
        throw new Error(
          `${vip} has a route with metric ${metric} in table ${table} that is not of protocol ${protocol}: remove it, or choose another announce.table`,
        );
      throw error;
    }
    this.#routes.set(`${vip} ${metric}`, { vip, metric, rightKind: true });
  }

  /** Deletes a route of ours; one that is gone already is as good. @throws NetlinkError */
  remove(vip: string, metric: number): void {
    const { table, protocol } = this.#options;
    const { bytes: destination, prefixLength } = prefixOf(vip);
    this.#changes++;
    this.#netlink.deleteRoute({ destination, prefixLength, table, protocol, priority: metric });
    this.#routes.delete(`${vip} ${metric}`);
  }

  close(): void {
    this.#monitor.close();
    this.#netlink.close();
  }
}

/** The kernel's names for protocol numbers that are somebody's: not to be used for announcements. */
export function protocolOwner(protocol: number): string | undefined {
  return routeProtocols.get(protocol);
}

function keyOf({ vip, metric }: VipRoute): string {
  return `${vip} ${metric}`;
}

function prefixOf(vip: string): NonNullable<ReturnType<typeof parsePrefix>> {
  const prefix = parsePrefix(vip);
  if (!prefix) throw new RangeError(`announce ${vip}: it is no prefix`);
  return prefix;
}
