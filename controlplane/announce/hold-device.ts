/**
 * A device that lives as long as this process: a TUN held open. Routes bound to it are deleted by the kernel when the
 * process is gone, however it went: VIPs are withdrawn even by SIGKILL. Nobody reads the device; no rule sends packets
 * to the table whose routes point to it.
 */
import { closeSync, openSync } from 'node:fs';
import * as libc from '../bpf/libc.ts';
import { AttributeWriter, littleEndian } from '../netlink/attributes.ts';
import { RTM_NEWLINK } from '../netlink/constants.ts';
import { RouteNetlink } from '../netlink/index.ts';

const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const IFF_UP = 1;
const IFNAMSIZ = 16;

export class HoldDevice implements Disposable {
  readonly name: string;
  readonly ifindex: number;
  readonly #fd: number;

  private constructor(fd: number, name: string, ifindex: number) {
    this.#fd = fd;
    this.name = name;
    this.ifindex = ifindex;
  }

  /** @param instance the box's name; the device is called after it. @throws Error saying what to do */
  static open(instance: string): HoldDevice {
    const name = `hr-${instance}`.slice(0, IFNAMSIZ - 1);
    const fd = openTun();
    try {
      const request = new Uint8Array(40);
      request.set(new TextEncoder().encode(name));
      new DataView(request.buffer).setUint16(IFNAMSIZ, IFF_TUN | IFF_NO_PI, littleEndian);
      if (libc.ioctlBytes(fd, TUNSETIFF, request) < 0)
        throw new Error(
          `make device ${name}: ${libc.describeErrno(libc.errno())}; needs CAP_NET_ADMIN and no other device of that name`,
        );
      using netlink = RouteNetlink.open();
      const link = netlink.links().find((one) => one.name === name);
      if (!link) throw new Error(`make device ${name}: it is gone again`);
      netlink.request(`set ${name} up`, RTM_NEWLINK, 0, up(link.index));
      return new HoldDevice(fd, name, link.index);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Takes the device away, and every route that goes out of it. */
  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openTun(): number {
  try {
    // Node opens with O_CLOEXEC: no child keeps the device alive.
    return openSync('/dev/net/tun', 'r+');
  } catch (error) {
    throw new Error(
      `announce.on_exit: withdraw needs /dev/net/tun (${error instanceof Error ? error.message : error}): load the module tun, or write on_exit: keep`,
      { cause: error },
    );
  }
}

/** struct ifinfomsg with IFF_UP set. */
function up(ifindex: number): AttributeWriter {
  return new AttributeWriter().header(16, (view, at) => {
    view.setInt32(at + 4, ifindex, littleEndian);
    view.setUint32(at + 8, IFF_UP, littleEndian);
    view.setUint32(at + 12, IFF_UP, littleEndian);
  });
}
