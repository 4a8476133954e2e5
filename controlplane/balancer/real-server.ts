/**
 * The far end of the tunnels, for real servers without tunnel devices: the program of decap.bpf.o on interfaces, which
 * takes off what a balancer wrapped around packets for listed VIPs.
 *
 * Nothing runs: program, VIPs and counter are pinned, a folder an interface, named by its number, and stay until they are
 * taken off or the machine restarts. The link is pinned last, so a folder without one is what an interrupted start left;
 * one whose interface is gone says so, and the next start on the same number replaces it.
 */
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { u16, u32 } from '../bpf/codec.ts';
import { maps } from '../bpf/generated/decap.ts';
import { BpfError, BpfMap, BpfObject, ensureBpffs, type MapDescriptor, XdpLink, type XdpMode } from '../bpf/index.ts';
import { formatIp } from '../netlink/ip-address.ts';
import { mappedAddress, words } from './bytes.ts';

const EOPNOTSUPP = 95;

/** The program's only constant, as libbpf keeps it: readable for whoever asks later which port was meant. */
const constants: MapDescriptor<number, number> = {
  name: '.rodata',
  type: 2,
  maxEntries: 1,
  flags: 0,
  key: u32,
  value: u16,
};

export interface UnwrappingSpec {
  readonly vips: readonly string[];
  /** UDP port of GUE; 0: none is unwrapped. */
  readonly guePort: number;
  /** `auto`: native, or generic where the driver cannot. */
  readonly mode: XdpMode | 'auto';
}

export interface Unwrapping {
  readonly ifindex: number;
  /** False when the interface is gone, or somebody took the program off. */
  readonly attached: boolean;
  readonly vips: readonly string[];
  readonly guePort: number;
  /** Packets so far. */
  readonly unwrapped: bigint;
  /** Dropped so far: they met congestion, and their senders know no ECN. */
  readonly congested: bigint;
}

export class RealServer {
  readonly #bpffs: string;
  readonly #folder: string;

  /** @param bpffs mount point of Headrace's pins. @param instance keeps machines that share it apart. */
  constructor(bpffs: string, instance: string) {
    this.#bpffs = bpffs;
    // No name of an instance has an @ in it.
    this.#folder = path.join(bpffs, `${instance}@decap`);
  }

  /**
   * Unwraps on an interface from now on, for these VIPs and no others. Where it does already, the program is exchanged
   * without a moment between, and the counter goes on.
   * @returns how it is attached; undefined when it was attached before
   * @throws BpfError, LayoutError
   */
  start(objectPath: string, ifindex: number, spec: UnwrappingSpec): XdpMode | undefined {
    ensureBpffs(this.#bpffs);
    using running = this.#link(ifindex);
    if (!running) this.#remove(ifindex);
    const pin = (name: string): string => path.join(this.#folder, String(ifindex), name);
    using object = BpfObject.open(objectPath);
    object.setConstants({ gue_port: spec.guePort });
    // One of an earlier build may lack some.
    if (running)
      for (const { name } of Object.values(maps)) if (existsSync(pin(name))) object.reusePinned(name, pin(name));
    object.load();
    using program = object.program('headrace_decap');
    using vips = object.map(maps.decapVips);
    const wanted = new Set(spec.vips.map((vip) => String(words(mappedAddress(vip)))));
    for (const vip of spec.vips) vips.set({ address: words(mappedAddress(vip)) }, 1);
    for (const vip of [...vips.keys()]) if (!wanted.has(String(vip.address))) vips.delete(vip);
    using packets = object.map(maps.decapPackets);
    using congested = object.map(maps.decapCongested);
    using port = object.map(constants);
    if (running) {
      running.update(program);
      unlinkSync(pin('constants'));
      port.pin(pin('constants'));
      if (!existsSync(pin(congested.name))) congested.pin(pin(congested.name));
      return undefined;
    }
    mkdirSync(path.join(this.#folder, String(ifindex)), { recursive: true, mode: 0o700 });
    const [link, mode] = attach(program, ifindex, spec.mode);
    using attached = link;
    vips.pin(pin(vips.name));
    packets.pin(pin(packets.name));
    congested.pin(pin(congested.name));
    port.pin(pin('constants'));
    attached.pin(pin('link'));
    return mode;
  }

  /** Every interface that was started and not stopped. */
  list(): Unwrapping[] {
    return this.#started().map((ifindex) => {
      const pin = (name: string): string => path.join(this.#folder, String(ifindex), name);
      using link = this.#link(ifindex);
      using vips = BpfMap.openPinned(pin(maps.decapVips.name), maps.decapVips);
      const count = (map: typeof maps.decapPackets | typeof maps.decapCongested): bigint => {
        if (!existsSync(pin(map.name))) return 0n;
        using counter = BpfMap.openPinned(pin(map.name), map);
        return (counter.getPerCpu(0) ?? []).reduce((sum, each) => sum + each, 0n);
      };
      using port = BpfMap.openPinned(pin('constants'), constants);
      return {
        ifindex,
        attached: link !== undefined,
        vips: [...vips.keys()].map(({ address }) => textOf(address)).sort(),
        guePort: port.get(0) ?? 0,
        unwrapped: count(maps.decapPackets),
        congested: count(maps.decapCongested),
      };
    });
  }

  /** Takes the program off an interface, and forgets its counter. @returns whether it was there. */
  stop(ifindex: number): boolean {
    using link = this.#link(ifindex);
    link?.detach();
    const there = this.#remove(ifindex);
    if (existsSync(this.#folder) && readdirSync(this.#folder).length === 0) rmdirSync(this.#folder);
    return there;
  }

  #started(): number[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => existsSync(path.join(this.#folder, name, 'link')))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** The link, while its interface is there. */
  #link(ifindex: number): XdpLink | undefined {
    const pin = path.join(this.#folder, String(ifindex), 'link');
    if (!existsSync(pin)) return undefined;
    const link = XdpLink.openPinned(pin);
    if (link.info().ifindex === ifindex) return link;
    link.close();
    return undefined;
  }

  #remove(ifindex: number): boolean {
    const folder = path.join(this.#folder, String(ifindex));
    if (!existsSync(folder)) return false;
    for (const name of readdirSync(folder)) unlinkSync(path.join(folder, name));
    rmdirSync(folder);
    return true;
  }
}

function attach(program: Parameters<typeof XdpLink.attach>[0], ifindex: number, mode: XdpMode | 'auto') {
  if (mode !== 'auto') return [XdpLink.attach(program, ifindex, mode), mode] as const;
  try {
    return [XdpLink.attach(program, ifindex, 'native'), 'native'] as const;
  } catch (error) {
    if (!(error instanceof BpfError) || error.errno !== EOPNOTSUPP) throw error;
    return [XdpLink.attach(program, ifindex, 'generic'), 'generic'] as const;
  }
}

/** An address as it lies in the map. */
function textOf(address: readonly number[]): string {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  address.forEach((word, i) => {
    view.setUint32(i * 4, word, true);
  });
  const v4 = bytes.subarray(0, 12).every((byte, i) => byte === (i < 10 ? 0 : 0xff));
  return formatIp(v4 ? bytes.subarray(12) : bytes);
}
