/**
 * A blackhole route for each VIP in the main table: what the packet path leaves to the kernel about a VIP is dropped
 * there, and never routed on by the default route. Ours are known by their protocol number, and removed with the
 * service; a route of somebody else for the same prefix is left alone.
 */
import { formatIp, NetlinkError, netlinkConstants, parsePrefix, RouteNetlink } from '../netlink/index.ts';

/** rtm_protocol of our routes. 201 is the announcer's. */
export const VIP_ROUTE_PROTOCOL = 202;
/** Behind every other route of the same prefix, so that whoever means it can have the VIP on this host. */
const PRIORITY = 0x7fff_0000;

export class VipRoutes {
  readonly #netlink = RouteNetlink.open();
  #there: Set<string> | undefined;
  /** One after the other: they share a socket, and what they know of the table. */
  #work: Promise<unknown> = Promise.resolve();

  /** Makes the routes those of `vips` (prefixes). @returns prefixes whose route could not be made. */
  apply(vips: Iterable<string>): Promise<string[]> {
    const wanted = new Set(vips);
    const result = this.#work.then(() => this.#apply(wanted));
    this.#work = result.catch(() => {});
    return result;
  }

  async #apply(wanted: ReadonlySet<string>): Promise<string[]> {
    const there = await this.#ours();
    const failed: string[] = [];
    for (const vip of there)
      if (!wanted.has(vip)) {
        this.#netlink.deleteRoute(route(vip));
        there.delete(vip);
      }
    for (const vip of wanted) {
      if (there.has(vip)) continue;
      try {
        this.#netlink.addRoute(route(vip));
        there.add(vip);
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        if (error.code === 'EEXIST') there.add(vip);
        else failed.push(vip);
      }
    }
    return failed;
  }

  /** Looks again at the next `apply`: an operator may have removed some. */
  forget(): void {
    this.#there = undefined;
  }

  async #ours(): Promise<Set<string>> {
    if (this.#there) return this.#there;
    const found = new Set<string>();
    await this.#netlink.routes(
      (view) => {
        const { destination, prefixLength, type } = view.toRoute();
        if (type === netlinkConstants.routeTypes.blackhole) found.add(`${formatIp(destination)}/${prefixLength}`);
      },
      { protocol: VIP_ROUTE_PROTOCOL, table: netlinkConstants.RT_TABLE_MAIN, onRestart: () => found.clear() },
    );
    this.#there = found;
    return found;
  }

  close(): void {
    this.#netlink.close();
  }
}

function route(vip: string) {
  const { bytes, prefixLength } = parsePrefix(vip)!;
  return {
    destination: bytes,
    prefixLength,
    type: 'blackhole' as const,
    protocol: VIP_ROUTE_PROTOCOL,
    priority: PRIORITY,
  };
}

/** Removes every route of ours in this network namespace. @returns how many there were. */
export async function removeVipRoutes(): Promise<number> {
  const routes = new VipRoutes();
  try {
    using netlink = RouteNetlink.open();
    let count = 0;
    await netlink.routes(() => count++, { protocol: VIP_ROUTE_PROTOCOL, table: netlinkConstants.RT_TABLE_MAIN });
    await routes.apply([]);
    return count;
  } finally {
    routes.close();
  }
}
