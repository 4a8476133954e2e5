/**
 * Gateways of routes as they go by. Routes are many and gateways few, so one that was seen lately is told by a few words
 * and makes no object.
 */
import type { RouteView } from '../netlink/index.ts';

/** Who a packet is handed to, on which interface. */
export interface NextHop {
  readonly ifindex: number;
  /** 4 or 16 bytes. */
  readonly bytes: Uint8Array;
}

/** More than any router has: a bound on memory. */
export const gatewaysMax = 65_536;

const RTN_UNICAST = 1;
/** Gateways remembered: a power of two. Each has one place. */
const PLACES = 4096;
/** Interface, family and four words of address. */
const WORDS = 6;

export class GatewayNotes {
  readonly #add: (hop: NextHop) => void;
  readonly #seen = new Uint32Array(PLACES * WORDS);

  /** @param add is called at least once for each gateway. */
  constructor(add: (hop: NextHop) => void) {
    this.#add = add;
  }

  /** Every gateway is new again. */
  clear(): void {
    this.#seen.fill(0);
  }

  note(route: RouteView): void {
    if (route.type !== RTN_UNICAST || route.encapType !== 0) return;
    if (route.multipath) {
      for (const { ifindex, gateway, encapType } of route.hops())
        if (gateway && !encapType) this.#add({ ifindex, bytes: Uint8Array.from(gateway) });
      return;
    }
    if (route.gatewayFamily === 0 || !this.#isNew(route)) return;
    this.#add({ ifindex: route.ifindex, bytes: route.gateway()! });
  }

  #isNew({ ifindex, gatewayFamily, gateway0, gateway1, gateway2, gateway3 }: RouteView): boolean {
    const seen = this.#seen;
    const hash = Math.imul(gateway0 ^ gateway3 ^ Math.imul(ifindex ^ gateway1 ^ gateway2, 0x85ebca6b), 0x9e3779b1);
    const at = (hash >>> 20) * WORDS;
    if (
      seen[at] === ifindex &&
      seen[at + 1] === gatewayFamily &&
      seen[at + 2] === gateway0 &&
      seen[at + 3] === gateway1 &&
      seen[at + 4] === gateway2 &&
      seen[at + 5] === gateway3
    )
      return false;
    seen.set([ifindex, gatewayFamily, gateway0, gateway1, gateway2, gateway3], at);
    return true;
  }
}
