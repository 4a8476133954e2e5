/**
 * A program attached to an interface by a bpf_link: it stays attached while a descriptor or a pin holds the link, and
 * the program in it can be exchanged without a moment between.
 */
import { BpfError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close } from './libc.ts';
import type { Program } from './program.ts';

const BPF_XDP = 37;
const XDP_FLAGS_SKB_MODE = 1 << 1;
const XDP_FLAGS_DRV_MODE = 1 << 2;

/** `native` runs in the driver; `generic` after the kernel has made an skb, on any interface, at a kernel's speed. */
export type XdpMode = 'native' | 'generic';

export interface LinkInfo {
  readonly id: number;
  readonly programId: number;
  /** 0 when the interface is gone: the link is defunct. */
  readonly ifindex: number;
}

const attachHints: ReadonlyMap<number, string> = new Map([
  [16, 'another XDP program is attached: see `ip -details link`, take it off with `ip link set dev NAME xdp off`'],
  [17, 'another XDP program is attached, perhaps in the other mode: see `ip -details link`'],
  [22, 'no such interface in this network namespace, or its driver refuses this program'],
  [34, 'the MTU is too large for XDP on this driver'],
  [
    95,
    'the driver has no native XDP, or its present settings (MTU, queues, LRO) rule it out: generic mode works anywhere',
  ],
]);

export class XdpLink implements Disposable {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** @throws BpfError: EBUSY when another program is attached, EEXIST for another link, EOPNOTSUPP without driver support. */
  static attach(program: Program, ifindex: number, mode: XdpMode): XdpLink {
    const options = Buffer.alloc(64);
    options.writeBigUInt64LE(64n, 0);
    options.writeUInt32LE(mode === 'native' ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE, 8);
    const fd = libbpf.linkCreate(program.fd, ifindex, BPF_XDP, options);
    if (fd < 0) {
      const hint = attachHints.get(-fd);
      throw new BpfError(`attach ${program.name} to interface ${ifindex} (${mode})`, fd, hint ? { hint } : {});
    }
    return new XdpLink(fd);
  }

  static openPinned(path: string): XdpLink {
    const fd = libbpf.getPinned(path);
    if (fd < 0) throw new BpfError(`open pinned link ${path}`, fd);
    return new XdpLink(fd);
  }

  get fd(): number {
    if (this.#fd < 0) throw new Error('use link: it is closed');
    return this.#fd;
  }

  info(): LinkInfo {
    const raw = Buffer.alloc(48);
    const result = libbpf.objectInfo(this.fd, raw);
    if (result < 0) throw new BpfError('read info of link', result);
    return { id: raw.readUInt32LE(4), programId: raw.readUInt32LE(8), ifindex: raw.readUInt32LE(16) };
  }

  /** Exchanges the program, atomically. */
  update(program: Program): void {
    const result = libbpf.linkUpdate(this.fd, program.fd, null);
    if (result < 0) throw new BpfError(`put ${program.name} into link`, result);
  }

  pin(path: string): void {
    const result = libbpf.pin(this.fd, path);
    if (result < 0) throw new BpfError(`pin link at ${path}`, result);
  }

  /** Takes the program off the interface, whatever else still holds the link. */
  detach(): void {
    const result = libbpf.linkDetach(this.fd);
    if (result < 0) throw new BpfError('detach link', result);
  }

  close(): void {
    if (this.#fd < 0) return;
    close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
