/** Routes counted by table, family and protocol. */
import type { RouteNetlink } from '../controlplane/netlink/index.ts';

/** Route protocols that have a name (linux/rtnetlink.h and iproute2's rt_protos). */
const protocolNames: ReadonlyMap<number, string> = new Map([
  [2, 'kernel'],
  [3, 'boot'],
  [4, 'static'],
  [9, 'ra'],
  [11, 'zebra'],
  [12, 'bird'],
  [16, 'dhcp'],
  [186, 'bgp'],
  [187, 'isis'],
  [188, 'ospf'],
  [189, 'rip'],
]);

/** Its name, or its number as text. */
export function routeProtocolName(protocol: number): string {
  return protocolNames.get(protocol) ?? String(protocol);
}

/** Every route of every table; keys are "table family protocol". Leaves the event loop free between slices. */
export async function countRoutes(netlink: RouteNetlink): Promise<ReadonlyMap<string, number>> {
  let counts = new Map<string, number>();
  await netlink.routes(
    ({ table, family, protocol }) => {
      const key = `${table} ${family} ${protocol}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    {
      onRestart: () => {
        counts = new Map();
      },
    },
  );
  return counts;
}
