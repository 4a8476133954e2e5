/**
 * From the kernel's messages to the words the mirror uses: what of a route is plain, and what is left to the kernel.
 *
 * Plain is a unicast route by one gateway that asks nothing else of a packet. A route MTU, a source prefix, an
 * encapsulation or a rewritten destination are not modeled, so such routes are known, and answered with "ask".
 */
import type { Nexthop, RouteView } from '../../netlink/index.ts';
import type { HopDescription, Leg, NexthopObject, RouteDescription } from '../rib/index.ts';

/** RTNH_F_DEAD is the kernel's business: such a leg is not used. */
const RTNH_F_DEAD = 1;

/** A copy, except that `address` is the one handed in. */
export function describeRoute(view: RouteView, address: Uint32Array): RouteDescription {
  address[0] = view.word0;
  if (view.family === 6) {
    address[1] = view.word1;
    address[2] = view.word2;
    address[3] = view.word3;
  }
  const plain =
    view.mtu === 0 && view.sourceLength === 0 && view.encapType === 0 && !view.hasNewDestination && view.mark === 0;
  const source = view.family === 4 ? view.preferredSource0 : 0;
  return {
    table: view.table,
    address,
    length: view.prefixLength,
    tos: view.tos,
    priority: view.priority,
    type: view.type,
    protocol: view.protocol,
    hop: hopOf(view, plain && !(view.flags & RTNH_F_DEAD), source),
  };
}

/** Descriptions of IPv4's commonest hops, by gateway and interface: a million routes share a few thousand. */
const common = new Map<number, HopDescription>();
const COMMON_MAX = 65_536;

function hopOf(view: RouteView, plain: boolean, source: number): HopDescription {
  const from = source ? { source } : {};
  if (view.nexthopId !== 0) return { legs: [], plain, nexthop: view.nexthopId, ...from };
  if (!plain || source || view.multipath || view.gatewayFamily !== 4 || view.ifindex >= 2 ** 20)
    return { legs: legsOf(view), plain, ...from };
  const key = view.gateway0 * 2 ** 20 + view.ifindex;
  const known = common.get(key);
  if (known) return known;
  if (common.size === COMMON_MAX) common.clear();
  const hop = { legs: legsOf(view), plain };
  common.set(key, hop);
  return hop;
}

function legsOf(view: RouteView): Leg[] {
  if (view.multipath) return view.hops().map(({ ifindex, gateway }) => ({ ifindex, gateway }));
  return view.ifindex === 0 ? [] : [{ ifindex: view.ifindex, gateway: view.gateway() }];
}

export function describeNexthop(nexthop: Nexthop): NexthopObject {
  const plain = !nexthop.blackhole && !nexthop.fdb && nexthop.encapType === undefined;
  if (nexthop.group) return { legs: [], members: nexthop.group.map(({ id }) => id), plain };
  const { ifindex, gateway } = nexthop;
  return { legs: ifindex === undefined ? [] : [{ ifindex, gateway }], members: [], plain };
}
