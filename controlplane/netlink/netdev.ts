/**
 * What interfaces can do for XDP: the generic netlink family `netdev` (kernel 6.3).
 *
 * It changes at run time: a veth loses ndoXmit when its far end switches GRO off, so whoever redirects must follow it.
 * On older kernels the family does not exist: open() says so with undefined, and nothing is known.
 */
import { AttributeTable, AttributeWriter } from './attributes.ts';
import * as c from './constants.ts';
import { MulticastSocket } from './multicast-socket.ts';
import { NetlinkError } from './netlink-error.ts';
import { RequestSocket } from './request-socket.ts';

/** NETDEV_XDP_ACT_* of an interface. */
export interface XdpFeatures {
  /** Runs programs and obeys ABORTED, DROP, PASS, TX. */
  readonly basic: boolean;
  readonly redirect: boolean;
  /** Transmits frames redirected to it. */
  readonly ndoXmit: boolean;
  /** Transmits multi-buffer frames redirected to it. */
  readonly ndoXmitSg: boolean;
}

const GENL_SIZE = 4;
const attributes = new AttributeTable();

/** struct genlmsghdr: command u8, version u8, reserved u16. */
function genericBody(command: number): AttributeWriter {
  return new AttributeWriter().header(GENL_SIZE, (view, at) => {
    view.setUint8(at, command);
    view.setUint8(at + 1, 1);
  });
}

export function readXdpFeatures(bits: bigint): XdpFeatures {
  const has = (bit: number): boolean => (bits & BigInt(bit)) !== 0n;
  return {
    basic: has(c.xdpActs.basic),
    redirect: has(c.xdpActs.redirect),
    ndoXmit: has(c.xdpActs.ndoXmit),
    ndoXmitSg: has(c.xdpActs.ndoXmitSg),
  };
}

function readDevice(view: DataView, start: number, end: number): { index: number; features: XdpFeatures } | undefined {
  const a = attributes.parse(view, start + GENL_SIZE, end);
  const index = a.u32(c.NETDEV_A_DEV_IFINDEX);
  return index === undefined
    ? undefined
    : { index, features: readXdpFeatures(a.u64(c.NETDEV_A_DEV_XDP_FEATURES) ?? 0n) };
}

export interface NetdevFollowerOptions {
  /** An interface came, changed (features) or went (undefined). */
  readonly onChange: (ifindex: number, features: XdpFeatures | undefined) => void;
  /** Changes were lost: ask for all again. */
  readonly onOverrun: () => void;
}

export class Netdev implements Disposable {
  readonly #requests: RequestSocket;
  readonly #family: number;
  /** Number of the multicast group that announces changes. */
  readonly group: number;
  readonly #netns: string | undefined;

  private constructor(requests: RequestSocket, family: number, group: number, netns: string | undefined) {
    this.#requests = requests;
    this.#family = family;
    this.group = group;
    this.#netns = netns;
  }

  /** Undefined on kernels that do not have the family. */
  static open(options: { readonly netns?: string } = {}): Netdev | undefined {
    const requests = RequestSocket.open({ ...options, protocol: c.NETLINK_GENERIC });
    try {
      const body = genericBody(c.CTRL_CMD_GETFAMILY).string(c.CTRL_ATTR_FAMILY_NAME, 'netdev');
      let family = 0;
      let group = 0;
      requests.request('find netlink family netdev', c.GENL_ID_CTRL, 0, body, (view, start, end) => {
        const a = attributes.parse(view, start + GENL_SIZE, end);
        family = a.u16(c.CTRL_ATTR_FAMILY_ID) ?? 0;
        group = findGroup(view, a, 'mgmt');
      });
      return new Netdev(requests, family, group, options.netns);
    } catch (error) {
      requests.close();
      if (error instanceof NetlinkError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Of one interface; undefined when there is no such interface. */
  xdpFeatures(ifindex: number): XdpFeatures | undefined {
    let features: XdpFeatures | undefined;
    const body = genericBody(c.NETDEV_CMD_DEV_GET).u32(c.NETDEV_A_DEV_IFINDEX, ifindex);
    try {
      this.#requests.request(`get XDP features of interface ${ifindex}`, this.#family, 0, body, (view, start, end) => {
        features = readDevice(view, start, end)?.features;
      });
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined;
      throw error;
    }
    return features;
  }

  /** Of all interfaces, by ifindex. */
  allXdpFeatures(): Map<number, XdpFeatures> {
    const all = new Map<number, XdpFeatures>();
    this.#requests.dump(
      'list XDP features',
      this.#family,
      genericBody(c.NETDEV_CMD_DEV_GET),
      (view, start, end) => {
        const device = readDevice(view, start, end);
        if (device) all.set(device.index, device.features);
      },
      () => all.clear(),
    );
    return all;
  }

  /** Follows changes until the result is closed. Start it before reading what is there. */
  follow(options: NetdevFollowerOptions): MulticastSocket {
    return MulticastSocket.open({
      protocol: c.NETLINK_GENERIC,
      groups: [this.group],
      ...(this.#netns === undefined ? {} : { netns: this.#netns }),
      onOverrun: options.onOverrun,
      onMessage: (view, type, _flags, _sequence, start, end) => {
        if (type !== this.#family) return;
        const device = readDevice(view, start, end);
        if (!device) return;
        const gone = view.getUint8(start) === c.NETDEV_CMD_DEV_DEL_NTF;
        options.onChange(device.index, gone ? undefined : device.features);
      },
    });
  }

  close(): void {
    this.#requests.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The groups are a list of nests numbered from 1. */
function findGroup(view: DataView, family: AttributeTable, name: string): number {
  const groups = family.nested(c.CTRL_ATTR_MCAST_GROUPS);
  for (let i = 1; groups?.has(i); i++) {
    const group = new AttributeTable().parse(view, groups.offset(i), groups.offset(i) + groups.length(i));
    if (group.string(c.CTRL_ATTR_MCAST_GRP_NAME) === name) return group.u32(c.CTRL_ATTR_MCAST_GRP_ID) ?? 0;
  }
  return 0;
}
