/** Routes counted by table, family and protocol. */
import { netlinkConstants, type RouteNetlink } from '../controlplane/netlink/index.ts';

/** Its name, or its number as text. */
export function routeProtocolName(protocol: number): string {
  return netlinkConstants.routeProtocols.get(protocol) ?? String(protocol);
}

/** Every route of every table; keys are "table family protocol". Leaves the event loop free between slices. */
export function countRoutes(netlink: RouteNetlink): Promise<ReadonlyMap<string, number>> {
  return netlink.countRoutes(({ table, family, protocol }) => `${table} ${family} ${protocol}`);
}
