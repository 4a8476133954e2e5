/**
 * The `netdev` generic netlink family (kernel doc: netlink/specs/netdev.yaml, since 6.3): what XDP an interface can do,
 * now. On veth that changes while packets flow, with the far end's GRO and programs, and the family says so.
 */
import { NETLINK_GENERIC } from './constants.ts';
import { attribute, attributes, type Message, NetlinkError, string } from './message.ts';
import { NetlinkSocket } from './socket.ts';

const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const NETDEV_CMD_DEV_GET = 1;
const MGMT_GROUP = 'mgmt';

export interface XdpFeatures {
  readonly basic: boolean;
  readonly redirect: boolean;
  /** Transmits frames redirected to it. */
  readonly transmits: boolean;
  /** … also those of several buffers. */
  readonly transmitsFragments: boolean;
}

export class Netdev implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #family: number;
  /** Group to join for changes. */
  readonly group: number;

  private constructor(socket: NetlinkSocket, family: number, group: number) {
    this.#socket = socket;
    this.#family = family;
    this.group = group;
  }

  /** @returns undefined on kernels without the family (before 6.3). */
  static open(): Netdev | undefined {
    const socket = new NetlinkSocket(NETLINK_GENERIC);
    try {
      const body = Buffer.concat([Buffer.of(CTRL_CMD_GETFAMILY, 1, 0, 0), attribute(2, Buffer.from('netdev\0'))]);
      const answer = socket.request(GENL_ID_CTRL, 0, body, 'look for netlink family netdev');
      const found = answer && attributes(answer.body, 4);
      const id = found?.get(1)?.getUint16(0, true);
      const groups = found?.get(7);
      if (id === undefined || !groups) throw new NetlinkError('look for netlink family netdev', 2);
      for (const entry of attributes(groups, 0).values()) {
        const group = attributes(entry, 0);
        const name = group.get(1);
        const number = group.get(2);
        if (name && number && string(name) === MGMT_GROUP) return new Netdev(socket, id, number.getUint32(0, true));
      }
      throw new NetlinkError('look for netlink group mgmt of netdev', 2);
    } catch (error) {
      socket.close();
      if (error instanceof NetlinkError && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** By ifindex, for every interface of the namespace. */
  features(): Map<number, XdpFeatures> {
    const found = new Map<number, XdpFeatures>();
    this.#socket.dump(this.#family, Buffer.of(NETDEV_CMD_DEV_GET, 1, 0, 0), 'list XDP features', (message) => {
      const [ifindex, features] = readFeatures(message);
      if (ifindex !== undefined) found.set(ifindex, features);
    });
    return found;
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function readFeatures(message: Message): [number | undefined, XdpFeatures] {
  const found = attributes(message.body, 4);
  const bits = found.get(3)?.getUint32(0, true) ?? 0;
  return [
    found.get(1)?.getUint32(0, true),
    {
      basic: (bits & 1) !== 0,
      redirect: (bits & 2) !== 0,
      transmits: (bits & 4) !== 0,
      transmitsFragments: (bits & 64) !== 0,
    },
  ];
}
