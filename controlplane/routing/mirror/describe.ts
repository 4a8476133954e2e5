/**
 * From the kernel's messages to the words the mirror uses: what of a route is plain, and what is left to the kernel.
 *
 * Plain is a unicast route by one gateway that asks nothing else of a packet. A route MTU, a source prefix, an
 * encapsulation or a rewritten destination are not modeled, so such routes are known, and answered with "ask".
 */
import type { Nexthop, RouteView } from '../../netlink/index.ts';
import type { Leg, NexthopObject, RouteDescription } from '../rib/index.ts';

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
    hop:
      view.nexthopId === 0
        ? { legs: legsOf(view), plain: plain && !(view.flags & RTNH_F_DEAD), ...(source ? { source } : {}) }
        : { legs: [], plain, nexthop: view.nexthopId, ...(source ? { source } : {}) },
  };
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
