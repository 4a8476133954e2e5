/**
 * Asks a box's packet path where packets go: a twin of its loaded program over its own pinned maps, run on packets that
 * never were on a wire. What it counts, the box counts.
 */
import path from 'node:path';
import { verdictNames } from '../../../controlplane/bpf/generated/headrace.ts';
import type { Program } from '../../../controlplane/bpf/index.ts';
import { instancePaths } from '../../../controlplane/dataplane/index.ts';
import { loadOver } from '../../../controlplane/dataplane/loading.ts';
import { parseMac } from '../../../controlplane/netlink/index.ts';
import type { Headrace } from './headrace.ts';
import { repository } from './repository.ts';
import { udpPacket } from './udp-packet.ts';

const L2TP = 115;

export interface Probe {
  /** `redirect`, `tx`, `pass` or `drop`. */
  readonly verdict: string;
  /** Where the frame is sent to; undefined when it is not sent on. */
  readonly destinationMac: string | undefined;
}

export class Prober implements Disposable {
  readonly #box: Headrace;
  readonly #program: Program;
  readonly #ifindex: number;
  readonly #frames: { readonly 4: Uint8Array; readonly 6: Uint8Array };

  /** Packets seem to come in by `port`. The box runs with the mirror. */
  constructor(box: Headrace, port: string) {
    const { host } = box;
    const paths = instancePaths(box.instance, host.runDirectory);
    const features = { feature_mirror: true };
    this.#box = box;
    this.#ifindex = host.ifindex(port);
    const loaded = loadOver(path.join(repository, 'build/xdp/headrace.bpf.o'), paths, features, true);
    for (const map of Object.values(loaded.maps)) map?.close();
    loaded.renew.close();
    this.#program = loaded.program;
    const mac = parseMac(host.mac(port))!;
    const frame = (source: string, destination: string, etherType: number): Uint8Array => {
      const { bytes } = udpPacket({ source, destination, sourcePort: 1024, destinationPort: 9, size: 100 });
      const framed = new Uint8Array(14 + bytes.length);
      framed.set(mac);
      framed.set([2, 0, 0, 0, 9, 9], 6);
      new DataView(framed.buffer).setUint16(12, etherType);
      framed.set(bytes, 14);
      // A protocol without a checksum over the addresses: for some of them UDP's would look unfinished.
      framed[14 + (etherType === 0x0800 ? 9 : 6)] = L2TP;
      return framed;
    };
    this.#frames = { 4: frame('10.255.0.2', '192.0.2.1', 0x0800), 6: frame('fd00:ff::2', '2001:db8::1', 0x86dd) };
  }

  /** Where the packet path sends packets to these addresses, all at one moment as far as that can be. */
  probe(addresses: readonly Uint8Array[]): Probe[] {
    return this.#box.host.inNamespace(() => addresses.map((address) => this.#probeOne(address)));
  }

  #probeOne(address: Uint8Array): Probe {
    const frame = this.#frames[address.length === 4 ? 4 : 6];
    if (address.length === 4) {
      frame.set(address, 14 + 16);
      const header = new DataView(frame.buffer, 14, 20);
      header.setUint16(10, 0);
      let sum = 0;
      for (let i = 0; i < 20; i += 2) sum += header.getUint16(i);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      header.setUint16(10, ~sum & 0xffff);
    } else frame.set(address, 14 + 24);
    const { verdict, data } = this.#program.testRun({ data: frame, ingressIfindex: this.#ifindex, room: 0 });
    const name = verdictNames[verdict] ?? String(verdict);
    const sent = name === 'redirect' || name === 'tx';
    const hex = sent ? [...data.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':') : undefined;
    return { verdict: name, destinationMac: hex };
  }

  close(): void {
    this.#program.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
