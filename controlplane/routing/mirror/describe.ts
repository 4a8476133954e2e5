/**
 * From the kernel's messages to the words the mirror uses: what of a route is plain, and what is left to the kernel.
 *
 * Plain is a unicast route by one gateway that asks nothing else of a packet. A route MTU, a source prefix, an
 * encapsulation or a rewritten destination are not modeled, so such routes are known, and answered with "ask". So are
 * routes that expire: the kernel stops using them at the second, and says so up to half a minute later.
 *
 * A million routes make no object each: descriptions are written over, and routes by the same gateway on the same
 * interface share what is said of it.
 */
import type { Nexthop, RouteView } from '../../netlink/index.ts';
import type { HopDescription, Leg, NexthopObject, RouteDescription } from '../rib/index.ts';

/** RTNH_F_DEAD is the kernel's business: such a leg is not used. */
const RTNH_F_DEAD = 1;
const RTPROT_RA = 9;
const noMore = {};

export type ChangingDescription = { -readonly [Key in keyof RouteDescription]: RouteDescription[Key] };

/** A description to be written over. */
export function emptyDescription(): ChangingDescription {
  return {
    table: 0,
    address: new Uint32Array(4),
    length: 0,
    tos: 0,
    priority: 0,
    type: 0,
    protocol: 0,
    hop: { legs: [], plain: false },
  };
}

/** A hop that was described before: family, interface and gateway are its key. */
interface Common {
  readonly family: 4 | 6;
  readonly ifindex: number;
  readonly gateway: readonly [number, number, number, number];
  readonly hop: HopDescription;
}

/** Places for common hops: a power of two. A hop may be in any of WAYS from where its hash points. */
const PLACES = 16_384;
const WAYS = 4;

export class RouteDescriber {
  readonly #common: (Common | undefined)[] = new Array<Common | undefined>(PLACES).fill(undefined);

  /** Writes over `description` what the route is. */
  describe(view: RouteView, description: ChangingDescription): void {
    const { address } = description;
    address[0] = view.word0;
    address[1] = view.word1;
    address[2] = view.word2;
    address[3] = view.word3;
    description.table = view.table;
    description.length = view.prefixLength;
    description.tos = view.tos;
    description.priority = view.priority;
    description.type = view.type;
    description.protocol = view.protocol;
    description.hop = this.#hopOf(view);
  }

  #hopOf(view: RouteView): HopDescription {
    const plain = isPlain(view);
    const source = view.family === 4 ? view.preferredSource0 : 0;
    const from = view.sourceLength === 0 && !source ? noMore : { ...(source ? { source } : {}), ...sourcePrefix(view) };
    if (view.nexthopId !== 0) return { legs: [], plain, nexthop: view.nexthopId, ...from };
    if (!plain || source || view.multipath || view.gatewayFamily !== view.family)
      return { legs: legsOf(view), plain, ...from };
    return this.#commonHop(view);
  }

  #commonHop(view: RouteView): HopDescription {
    const { family, ifindex, gateway0, gateway1, gateway2, gateway3 } = view;
    let hash = Math.imul(gateway0 ^ Math.imul(gateway3 ^ ifindex, 0x9e3779b1), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15) ^ gateway1 ^ Math.imul(gateway2, 0xc2b2ae35), 0x9e3779b1);
    const home = hash >>> 18;
    let place = home;
    for (let way = 0; way < WAYS; way++) {
      const at = (home + way) & (PLACES - 1);
      const known = this.#common[at];
      if (!known) {
        place = at;
        break;
      }
      const { gateway } = known;
      if (
        known.ifindex === ifindex &&
        known.family === family &&
        gateway[3] === gateway3 &&
        gateway[0] === gateway0 &&
        gateway[1] === gateway1 &&
        gateway[2] === gateway2
      )
        return known.hop;
    }
    const hop = { legs: legsOf(view), plain: true };
    this.#common[place] = { family, ifindex, gateway: [gateway0, gateway1, gateway2, gateway3], hop };
    return hop;
  }
}

function isPlain(view: RouteView): boolean {
  return (
    view.mtu === 0 &&
    view.sourceLength === 0 &&
    view.encapType === 0 &&
    !view.hasNewDestination &&
    view.mark === 0 &&
    !(view.flags & RTNH_F_DEAD) &&
    view.expires === 0 &&
    // Those of router advertisements always expire; before 6.10 their first message does not say so.
    view.protocol !== RTPROT_RA &&
    (!view.multipath || view.hops().every(({ encapType }) => encapType === undefined))
  );
}

function sourcePrefix(view: RouteView): { readonly from?: string } {
  const source = view.source();
  return source ? { from: `${Buffer.from(source).toString('hex')}/${view.sourceLength}` } : {};
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
