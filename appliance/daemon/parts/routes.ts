/** Where a packet to an address goes: what the kernel says, what the mirror says, and who is behind the next hop. */
import {
  formatIp,
  formatMac,
  formatPrefix,
  maskAddress,
  NetlinkError,
  parseIp,
  type RouteNetlink,
  routeProtocols,
} from '../../../controlplane/netlink/index.ts';
import type { MirrorThread } from '../../../controlplane/routing/mirror/index.ts';
import { RouteError } from '../part.ts';

/** One way out of the kernel's answer. */
export interface RouteLeg {
  readonly interface: string;
  readonly gateway: string | null;
  /** State of the neighbor that the packet would be sent to, null where there is none to ask. */
  readonly neighbor: string | null;
  readonly mac: string | null;
}

export interface RouteReport {
  readonly address: string;
  readonly kernel: {
    /** `unicast`, `local`, `blackhole`, …, or the error's name when there is no route. */
    readonly type: string;
    readonly prefix: string | null;
    readonly table: number | null;
    readonly protocol: string | null;
    readonly metric: number | null;
    readonly legs: readonly RouteLeg[];
  };
  /** Null when the helper is used for every packet. */
  readonly mirror: {
    readonly answers: boolean;
    /** Why the kernel is asked instead. */
    readonly why: string | null;
    readonly prefix: string | null;
    readonly interface: string | null;
    readonly gateway: string | null;
    readonly mac: string | null;
    readonly mtu: number | null;
    /** Whether it names the kernel's own entry, interface and gateway; null when it does not answer. */
    readonly agrees: boolean | null;
  } | null;
}

const typeNames = ['unspec', 'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable'];
const moreTypeNames = ['prohibit', 'throw', 'nat', 'xresolve'];

/** @throws RouteError for what is no address. */
export async function describeRouteTo(
  text: string,
  netlink: RouteNetlink,
  thread: MirrorThread | undefined,
): Promise<RouteReport> {
  const address = parseIp(text.split('/')[0]!)?.bytes;
  if (!address) throw new RouteError(400, `"${text}" is not an address: write 192.0.2.1 or 2001:db8::1`);
  const [kernel, answer] = [kernelAnswer(address, netlink), await thread?.ask(address)];
  const leg = kernel.legs[0];
  const mirror = answer && {
    answers: answer.answers,
    why: answer.why ?? null,
    prefix:
      answer.prefixLength === undefined
        ? null
        : formatPrefix(maskAddress(address, answer.prefixLength), answer.prefixLength),
    interface: answer.ifindex === undefined ? null : nameOf(netlink, answer.ifindex),
    gateway: answer.gateway ? formatIp(answer.gateway) : null,
    mac: answer.destinationMac ? formatMac(answer.destinationMac) : null,
    mtu: answer.mtu ?? null,
  };
  return {
    address: formatIp(address),
    kernel,
    mirror: mirror
      ? {
          ...mirror,
          agrees: mirror.answers
            ? mirror.prefix === kernel.prefix &&
              kernel.legs.length === 1 &&
              mirror.interface === leg?.interface &&
              mirror.gateway === leg.gateway
            : null,
        }
      : null,
  };
}

function kernelAnswer(address: Uint8Array, netlink: RouteNetlink): RouteReport['kernel'] {
  const none = { prefix: null, table: null, protocol: null, metric: null, legs: [] };
  let answer: ReturnType<RouteNetlink['getRoute']>;
  try {
    answer = netlink.getRoute(address, { fibMatch: true });
  } catch (error) {
    if (error instanceof NetlinkError) return { ...none, type: error.code };
    throw error;
  }
  if (!answer.found) return { ...none, type: answer.code };
  const { route } = answer;
  const object = route.nexthopId === 0 ? undefined : netlink.nexthops().find(({ id }) => id === route.nexthopId);
  const single = route.ifindex === 0 && object?.ifindex !== undefined;
  const legs =
    route.hops.length > 0
      ? route.hops
      : single
        ? [{ ifindex: object.ifindex!, gateway: object.gateway }]
        : route.ifindex === 0
          ? []
          : [{ ifindex: route.ifindex, gateway: route.gateway }];
  return {
    type: [...typeNames, ...moreTypeNames][route.type] ?? String(route.type),
    prefix: formatPrefix(route.destination, route.prefixLength),
    table: route.table,
    protocol: protocolName(route.protocol),
    metric: route.priority,
    legs: legs.map(({ ifindex, gateway }) => {
      const behind = gateway ?? address;
      const neighbor = netlink.neighbors(ifindex).find((known) => Buffer.compare(known.bytes, behind) === 0);
      return {
        interface: nameOf(netlink, ifindex),
        gateway: gateway ? formatIp(gateway) : null,
        neighbor: neighbor?.state ?? null,
        mac: neighbor?.mac ? formatMac(neighbor.mac) : null,
      };
    }),
  };
}

function nameOf(netlink: RouteNetlink, ifindex: number): string {
  return netlink.link(ifindex)?.name ?? String(ifindex);
}

function protocolName(protocol: number): string {
  return routeProtocols.get(protocol) ?? String(protocol);
}
