/**
 * The kernel's routing state, asked and changed over rtnetlink. One socket answers what is small at once; the tables
 * of routes, which may be large, are read on a second one in slices, so that both can go on at the same time.
 *
 * Answers are copies. Throws {@link NetlinkError}; a dump that was interrupted by changes is read again by itself.
 */
import { type Address, encodeAddressQuery, readAddress } from './address.ts';
import { AttributeWriter } from './attributes.ts';
import * as c from './constants.ts';
import { formatIp, formatPrefix } from './ip-address.ts';
import { encodeLinkQuery, type Link, readLink } from './link.ts';
import * as n from './neighbor.ts';
import { encodeNetconfQuery, type Netconf, readNetconf } from './netconf.ts';
import { NetlinkError } from './netlink-error.ts';
import { encodeNexthopQuery, type Nexthop, readNexthop } from './nexthop.ts';
import { type RequestCounters, RequestSocket } from './request-socket.ts';
import * as q from './route-query.ts';
import { type Route, RouteView } from './route-view.ts';
import { encodeRuleQuery, type Rule, readRule } from './rule.ts';

export interface RouteNetlinkOptions {
  /** Path of a network namespace; the caller's by default. */
  readonly netns?: string;
}

export interface RouteDumpOptions extends q.RouteFilter {
  /** Called when the tables of a family changed under the dump and it starts again: drop that family's routes. */
  readonly onRestart?: (family: 4 | 6) => void;
  /** What one pass meets will do, although the tables changed under it. Default false. */
  readonly approximate?: boolean;
}

/** What the kernel would do with a packet: a route (which may be a blackhole), or an errno's name that means "none". */
export type RouteAnswer =
  | { readonly found: true; readonly route: Route }
  | { readonly found: false; readonly code: string; readonly errno: number };

/** Lookups that end without a route end in one of these: none, unreachable, prohibited, blackhole or martian. */
const NO_ROUTE_CODES = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL', 'EAGAIN', 'EXDEV']);

type Reader<T> = (view: DataView, start: number, end: number) => T | undefined;

export class RouteNetlink implements Disposable {
  readonly #requests: RequestSocket;
  readonly #bulk: RequestSocket;
  #bulkTurn: Promise<void> = Promise.resolve();

  constructor(options: RouteNetlinkOptions = {}) {
    this.#requests = RequestSocket.open(options);
    try {
      this.#bulk = RequestSocket.open(options);
    } catch (error) {
      this.#requests.close();
      throw error;
    }
  }

  static open(options: RouteNetlinkOptions = {}): RouteNetlink {
    return new RouteNetlink(options);
  }

  /** Requests, dumps and interrupted dumps since open. */
  get counters(): Readonly<RequestCounters> {
    const a = this.#requests.counters;
    const b = this.#bulk.counters;
    return {
      requests: a.requests + b.requests,
      dumps: a.dumps + b.dumps,
      interruptedDumps: a.interruptedDumps + b.interruptedDumps,
    };
  }

  links(): Link[] {
    return this.#collect('list interfaces', c.RTM_GETLINK, encodeLinkQuery(), readLink);
  }

  /** One interface by index; undefined when there is none. */
  link(ifindex: number): Link | undefined {
    let found: Link | undefined;
    try {
      this.#requests.request(
        `get interface ${ifindex}`,
        c.RTM_GETLINK,
        0,
        encodeLinkQuery(ifindex),
        (view, start, end) => {
          found = readLink(view, start, end);
        },
      );
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined;
      throw error;
    }
    return found;
  }

  addresses(): Address[] {
    return this.#collect('list addresses', c.RTM_GETADDR, encodeAddressQuery(), readAddress);
  }

  /** Of all interfaces, or of one. */
  neighbors(ifindex?: number): n.Neighbor[] {
    return this.#collect('list neighbors', c.RTM_GETNEIGH, n.encodeNeighborQuery(ifindex), n.readNeighbor);
  }

  /** Of all interfaces, a few milliseconds' worth at a time. Waits for other calls of the kind. */
  neighborsSliced(): Promise<n.Neighbor[]> {
    return this.#collectSliced('list neighbors', c.RTM_GETNEIGH, n.encodeNeighborQuery(), n.readNeighbor);
  }

  /** Timers of all interfaces and families. */
  neighborTables(): n.NeighborTable[] {
    const query = new AttributeWriter().header(4);
    return this.#collect('list neighbor tables', c.RTM_GETNEIGHTBL, query, n.readNeighborTable);
  }

  /** In the order the kernel asks them, IPv4 first. */
  rules(): Rule[] {
    return this.#bothFamilies('list rules', c.RTM_GETRULE, encodeRuleQuery, readRule);
  }

  /** Next-hop objects and groups. */
  nexthops(): Nexthop[] {
    return this.#collect('list next hops', c.RTM_GETNEXTHOP, encodeNexthopQuery(), readNexthop);
  }

  /** One of them; throws NetlinkError (ENOENT) when there is none. */
  nexthop(id: number): Nexthop {
    let nexthop: Nexthop | undefined;
    const action = `read next hop ${id}`;
    this.#requests.request(action, c.RTM_GETNEXTHOP, 0, encodeNexthopQuery(id), (data, start, end) => {
      nexthop = readNexthop(data, start, end);
    });
    if (!nexthop) throw new NetlinkError(action, 61 /* ENODATA */);
    return nexthop;
  }

  /** The same, a few milliseconds' worth at a time. Waits for other calls of the kind. */
  nexthopsSliced(): Promise<Nexthop[]> {
    return this.#collectSliced('list next hops', c.RTM_GETNEXTHOP, encodeNexthopQuery(), readNexthop);
  }

  netconfs(): Netconf[] {
    return this.#bothFamilies('list network settings', c.RTM_GETNETCONF, encodeNetconfQuery, readNetconf);
  }

  /**
   * Shows every route to `visit`, a few milliseconds' worth at a time. The view is moved on when `visit` returns.
   * Calls wait for each other. A table that does not exist has no routes.
   */
  routes(visit: (view: RouteView) => void, options: RouteDumpOptions = {}): Promise<void> {
    const run = async (): Promise<void> => {
      const view = new RouteView();
      for (const family of options.family ? [options.family] : ([4, 6] as const)) {
        const body = q.encodeRouteDump(family, options).finish();
        try {
          await this.#bulk.dumpSliced(
            `list IPv${family} routes`,
            c.RTM_GETROUTE,
            body,
            (data, start, end, type) => {
              if (type === c.RTM_NEWROUTE && view.read(data, start, end)) visit(view);
            },
            () => options.onRestart?.(family),
            options.approximate,
          );
        } catch (error) {
          // Strict checking reports a table nobody has made as ENOENT.
          const missing = error instanceof NetlinkError && error.code === 'ENOENT' && options.table !== undefined;
          if (!missing) throw error;
        }
      }
    };
    return this.#inTurn(run);
  }

  /** One call after the other has the socket for what is large. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#bulkTurn.then(run);
    this.#bulkTurn = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  /** How many routes share a key, over all tables; of a table that changes meanwhile, about so many. */
  async countRoutes(key: (route: RouteView) => string): Promise<Map<string, number>> {
    const counts = { 4: new Map<string, number>(), 6: new Map<string, number>() };
    await this.routes(
      (route) => {
        const of = counts[route.family];
        const name = key(route);
        of.set(name, (of.get(name) ?? 0) + 1);
      },
      { approximate: true },
    );
    const total = counts[4];
    for (const [name, count] of counts[6]) total.set(name, (total.get(name) ?? 0) + count);
    return total;
  }

  /** What the kernel itself would do with a packet to `address`. */
  getRoute(address: Uint8Array, lookup: q.RouteLookup = {}): RouteAnswer {
    const view = new RouteView();
    let route: Route | undefined;
    const action = `look up route to ${formatIp(address)}`;
    try {
      const body = q.encodeRouteLookup(address, lookup);
      this.#requests.request(action, c.RTM_GETROUTE, 0, body, (data, start, end) => {
        if (view.read(data, start, end)) route = view.toRoute();
      });
    } catch (error) {
      // A malformed question is EINVAL too, but comes with an explanation.
      if (!(error instanceof NetlinkError) || error.hint || !NO_ROUTE_CODES.has(error.code)) throw error;
      return { found: false, code: error.code, errno: error.errno };
    }
    if (!route) throw new NetlinkError(action, 61 /* ENODATA */);
    return { found: true, route };
  }

  /** Makes or replaces a neighbor. Never call it on one that is `permanent` or `noarp` without its MAC. */
  setNeighbor(neighbor: n.NeighborChange): void {
    const action = `set neighbor ${formatIp(neighbor.bytes)} of interface ${neighbor.ifindex}`;
    this.#requests.request(action, c.RTM_NEWNEIGH, c.NLM_F_CREATE | c.NLM_F_REPLACE, n.encodeNeighbor(neighbor));
  }

  /** Returns whether there was one. */
  deleteNeighbor(neighbor: { readonly ifindex: number; readonly bytes: Uint8Array }): boolean {
    const action = `delete neighbor ${formatIp(neighbor.bytes)} of interface ${neighbor.ifindex}`;
    const body = n.encodeNeighbor({ ifindex: neighbor.ifindex, bytes: neighbor.bytes });
    return this.#unlessMissing(() => this.#requests.request(action, c.RTM_DELNEIGH, 0, body), 'ENOENT');
  }

  /** Sets how fast neighbors of an interface are found out and given up. */
  setNeighborTable(family: 4 | 6, ifindex: number, timers: n.NeighborTimers): void {
    const action = `set IPv${family} neighbor timers of interface ${ifindex}`;
    this.#requests.request(action, c.RTM_SETNEIGHTBL, 0, n.encodeNeighborTable(family, ifindex, timers));
  }

  /** Adds a route; EEXIST when there is one of the same prefix, table and priority, unless `replace`. */
  addRoute(route: q.RouteChange, options: { readonly replace?: boolean } = {}): void {
    const action = `add route ${formatPrefix(route.destination, route.prefixLength)}`;
    const how = c.NLM_F_CREATE | (options.replace ? c.NLM_F_REPLACE : c.NLM_F_EXCL);
    this.#requests.request(action, c.RTM_NEWROUTE, how, q.encodeRoute(route, false));
  }

  /** Returns whether there was one. */
  deleteRoute(route: q.RouteChange): boolean {
    const action = `delete route ${formatPrefix(route.destination, route.prefixLength)}`;
    const remove = (): void => this.#requests.request(action, c.RTM_DELROUTE, 0, q.encodeRoute(route, true));
    return this.#unlessMissing(remove, 'ESRCH', 'ENOENT');
  }

  /** Any other request: a body of your own, acknowledged; answers are shown to `visit`. */
  request(...args: Parameters<RequestSocket['request']>): void {
    this.#requests.request(...args);
  }

  #unlessMissing(work: () => void, ...codes: string[]): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (error instanceof NetlinkError && codes.includes(error.code)) return false;
      throw error;
    }
  }

  #collect<T>(action: string, type: number, body: AttributeWriter, read: Reader<T>): T[] {
    let items: T[] = [];
    this.#requests.dump(
      action,
      type,
      body,
      (view, start, end) => {
        const item = read(view, start, end);
        if (item !== undefined) items.push(item);
      },
      () => {
        items = [];
      },
    );
    return items;
  }

  #collectSliced<T>(action: string, type: number, body: AttributeWriter, read: Reader<T>): Promise<T[]> {
    return this.#inTurn(async () => {
      const items: T[] = [];
      await this.#bulk.dumpSliced(
        action,
        type,
        body.finish(),
        (view, start, end) => {
          const item = read(view, start, end);
          if (item !== undefined) items.push(item);
        },
        () => {
          items.length = 0;
        },
      );
      return items;
    });
  }

  #bothFamilies<T>(action: string, type: number, body: (family: 4 | 6) => AttributeWriter, read: Reader<T>): T[] {
    return [...this.#collect(action, type, body(4), read), ...this.#collect(action, type, body(6), read)];
  }

  close(): void {
    this.#requests.close();
    this.#bulk.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
