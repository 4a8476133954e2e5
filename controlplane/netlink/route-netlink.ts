/** Questions to rtnetlink: dumps of links, addresses, neighbors and routes. */
import { AF_INET, AF_INET6, NETLINK_ROUTE, rtm } from './constants.ts';
import type { Message } from './message.ts';
import {
  type Address,
  type Link,
  type Neighbor,
  type Route,
  readAddress,
  readLink,
  readNeighbor,
  readRoute,
} from './records.ts';
import { NetlinkSocket } from './socket.ts';

export class RouteNetlink implements Disposable {
  readonly #socket: NetlinkSocket;

  /** Opens a socket in the calling thread's network namespace. */
  constructor() {
    this.#socket = new NetlinkSocket(NETLINK_ROUTE);
  }

  #collect<T>(type: number, bodyBytes: number, what: string, read: (message: Message) => T | undefined): T[] {
    const found: T[] = [];
    const visit = (message: Message) => {
      const record = read(message);
      if (record !== undefined) found.push(record);
    };
    this.#socket.dump(type, Buffer.alloc(bodyBytes), `list ${what}`, visit, () => {
      found.length = 0;
    });
    return found;
  }

  links(): Link[] {
    return this.#collect(rtm.GETLINK, 16, 'links', readLink);
  }

  addresses(): Address[] {
    return this.#collect(rtm.GETADDR, 8, 'addresses', readAddress);
  }

  neighbors(): Neighbor[] {
    return this.#collect(rtm.GETNEIGH, 12, 'neighbors', readNeighbor);
  }

  /** Routes of all tables, counted by `key`. A walk that routes changed under starts anew. */
  countRoutes(key: (route: Route) => string): Map<string, number> {
    const total = new Map<string, number>();
    for (const family of [AF_INET, AF_INET6]) {
      const body = Buffer.alloc(12);
      body.writeUInt8(family, 0);
      const counts = new Map<string, number>();
      const visit = (message: Message) => {
        const route = message.type === rtm.NEWROUTE ? readRoute(message) : undefined;
        if (route) counts.set(key(route), (counts.get(key(route)) ?? 0) + 1);
      };
      this.#socket.dump(rtm.GETROUTE, body, 'list routes', visit, () => counts.clear());
      for (const [name, count] of counts) total.set(name, (total.get(name) ?? 0) + count);
    }
    return total;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
