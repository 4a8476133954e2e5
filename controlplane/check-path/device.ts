/**
 * The veth pair that checks leave by. Both ends are in this network namespace: routes for the addresses that stand for
 * VIPs on backends lead to the first, a program at the second takes over.
 *
 * Neighbors are not asked for (NOARP), and the kernel finishes checksums and segments before it sends, since nothing
 * behind the pair would. A daemon that is killed leaves the pair behind, where nothing uses it; the next one makes a new
 * one, and `headrace detach` takes it away.
 */
import { AttributeWriter, littleEndian } from '../netlink/attributes.ts';
import * as c from '../netlink/constants.ts';
import { type Link, NetlinkError, parsePrefix, RouteNetlink } from '../netlink/index.ts';
import { switchOffloadsOff } from '../ports/ethtool.ts';
import { DEVICE_PREFIX } from './device-name.ts';

const IFNAMSIZ = 16;
const VETH_INFO_PEER = 1;
const IFLA_AF_SPEC = 26;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const ADDR_GEN_MODE_NONE = 1;
/** rtm_protocol of the routes: the balancer's. */
const PROTOCOL = 202;
/** Of what leaves: an Ethernet's, less what goes around packets. */
const ROUTE_MTU = 1400;

function namesOf(instance: string): readonly [near: string, far: string] {
  const stem = `${DEVICE_PREFIX}${instance}`.slice(0, IFNAMSIZ - 3);
  return [`${stem}.0`, `${stem}.1`];
}

/** Removes the pair of a box, if it is there. */
export function removeCheckDevice(instance: string): boolean {
  using netlink = RouteNetlink.open();
  return remove(netlink, namesOf(instance)[0]);
}

function remove(netlink: RouteNetlink, name: string): boolean {
  const link = netlink.links().find((one) => one.name === name && one.kind === 'veth');
  if (!link) return false;
  netlink.request(`remove ${name}`, c.RTM_DELLINK, 0, linkBody(link.index, 0, 0));
  return true;
}

export class CheckDevice implements Disposable {
  readonly near: Link;
  readonly far: Link;
  readonly #netlink: RouteNetlink;

  private constructor(netlink: RouteNetlink, near: Link, far: Link) {
    this.#netlink = netlink;
    this.near = near;
    this.far = far;
  }

  /** Makes the pair, in the place of one that was left behind. @throws NetlinkError */
  static open(instance: string): CheckDevice {
    const netlink = RouteNetlink.open();
    try {
      const [near, far] = namesOf(instance);
      remove(netlink, near);
      netlink.request(`make ${near} and ${far}`, c.RTM_NEWLINK, c.NLM_F_CREATE | c.NLM_F_EXCL, pairBody(near, far));
      const find = (name: string): Link => {
        const link = netlink.links().find((one) => one.name === name);
        if (!link) throw new Error(`make ${name}: it is gone again`);
        return link;
      };
      for (const { index, name } of [find(near), find(far)]) {
        withoutAddresses(netlink, index, name);
        switchOffloadsOff(name, ['tx-checksum-ip-generic', 'tx-checksum-sctp', 'tx-generic-segmentation']);
        netlink.request(
          `set ${name} up`,
          c.RTM_NEWLINK,
          0,
          linkBody(index, c.IFF_UP | c.IFF_NOARP, c.IFF_UP | c.IFF_NOARP),
        );
      }
      return new CheckDevice(netlink, find(near), find(far));
    } catch (error) {
      netlink.close();
      throw error;
    }
  }

  /**
   * Has what goes to these addresses leave by the pair.
   * @throws NetlinkError EEXIST when they are routed already
   */
  route(prefix: string): void {
    const { bytes, prefixLength } = parsePrefix(prefix)!;
    this.#netlink.addRoute({
      destination: bytes,
      prefixLength,
      ifindex: this.near.index,
      protocol: PROTOCOL,
      mtu: ROUTE_MTU,
    });
  }

  /** The address of ours that the kernel sends from to this one. */
  sourceFor(address: Uint8Array): Uint8Array | undefined {
    const answer = this.#netlink.getRoute(address);
    return answer.found ? answer.route.preferredSource : undefined;
  }

  /** Takes the pair away, and the routes with it. */
  close(): void {
    try {
      remove(this.#netlink, this.near.name);
    } finally {
      this.#netlink.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** No link-local address, and so no router solicitations. Where IPv6 is off there is nothing to switch off. */
function withoutAddresses(netlink: RouteNetlink, index: number, name: string): void {
  const body = linkBody(index, 0, 0).nest(IFLA_AF_SPEC, (families) =>
    families.nest(c.AF_INET6, (inet6) => inet6.u8(IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_MODE_NONE)),
  );
  try {
    netlink.request(`keep ${name} without addresses`, c.RTM_NEWLINK, 0, body);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
}

/** struct ifinfomsg. */
function linkBody(ifindex: number, flags: number, change: number): AttributeWriter {
  return new AttributeWriter().header(16, (view, at) => {
    view.setInt32(at + 4, ifindex, littleEndian);
    view.setUint32(at + 8, flags, littleEndian);
    view.setUint32(at + 12, change, littleEndian);
  });
}

function pairBody(near: string, far: string): AttributeWriter {
  return linkBody(0, 0, 0)
    .string(c.IFLA_IFNAME, near)
    .nest(c.IFLA_LINKINFO, (info) =>
      info
        .string(c.IFLA_INFO_KIND, 'veth')
        .nest(c.IFLA_INFO_DATA, (data) =>
          data.nest(VETH_INFO_PEER, (peer) => peer.header(16).string(c.IFLA_IFNAME, far)),
        ),
    );
}
