/**
 * Checks through the forwarding path: gives each VIP on a backend an address to connect to, and keeps the programs of
 * probe.bpf.o where packets between that address and the backend pass (see there).
 *
 * What an address stands for is looked up whenever a check asks for it, so a service or backend that got another number
 * in the packet path, or is reached from another address of this box, is followed by the next check.
 */

import { mappedAddress, words } from '../balancer/bytes.ts';
import { maps as probeMaps } from '../bpf/generated/probe.ts';
import { type BpfMap, BpfObject, type Program, TcxLink, XdpLink } from '../bpf/index.ts';
import type { DataPlaneMaps, Features } from '../dataplane/index.ts';
import type { Destination } from '../health/index.ts';
import { formatIp, parseIp } from '../netlink/ip-address.ts';
import { AddressPool } from './addresses.ts';
import { CheckDevice } from './device.ts';

/** How packets of a service get to a backend, by the packet path's own numbers. */
export interface ServiceWay {
  /** Of one of the service's records. */
  readonly service: number;
  readonly backend: number;
  /** The backend is this host: its kernel answers for the VIP. */
  readonly local: boolean;
  /** The address of ours that the kernel would send from to the backend. */
  readonly source: Uint8Array | undefined;
}

export interface CheckPathOptions {
  readonly objectPath: string;
  readonly instance: string;
  /** What the packet path is loaded with: maps, and the constants that say which of them there are. */
  readonly maps: DataPlaneMaps;
  readonly features: Features;
  /** Prefixes that the addresses are taken from. */
  readonly prefixes: { readonly 4: string; readonly 6: string };
}

type Probes = {
  readonly ways: BpfMap<{ readonly address: readonly number[] }, WayRecord>;
};
interface WayRecord {
  readonly vip: readonly number[];
  readonly source: readonly number[];
  readonly service: number;
  readonly backend: number;
}

export class CheckPath implements Disposable {
  readonly device: CheckDevice;
  readonly #pools: { readonly 4: AddressPool; readonly 6: AddressPool };
  readonly #maps: Probes;
  readonly #programs: readonly Program[];
  readonly #answer: Program;
  readonly #xdp: XdpLink;
  readonly #answers = new Map<number, TcxLink>();
  /** What stands in the map, by address. */
  readonly #written = new Map<string, string>();

  private constructor(device: CheckDevice, object: BpfObject, prefixes: CheckPathOptions['prefixes']) {
    this.device = device;
    this.#pools = { 4: new AddressPool(prefixes[4]), 6: new AddressPool(prefixes[6]) };
    this.#maps = { ways: object.map(probeMaps.probeWays) as Probes['ways'] };
    const probe = object.program('headrace_probe');
    this.#answer = object.program('headrace_probe_answer');
    this.#programs = [probe, this.#answer];
    this.#xdp = XdpLink.attach(probe, device.far.index, 'native');
  }

  /** @throws BpfError, VerifierError, NetlinkError; nothing is left behind then. */
  static open({ objectPath, instance, maps, features, prefixes }: CheckPathOptions): CheckPath {
    const device = CheckDevice.open(instance);
    try {
      for (const family of [4, 6] as const) device.route(prefixes[family]);
      using object = BpfObject.open(objectPath);
      const { near } = device;
      const own = ['feature_nat', 'feature_vlan', 'feature_counters'];
      object.setConstants({
        ...Object.fromEntries(Object.entries(features).filter(([name]) => own.includes(name))),
        probe_ifindex: near.index,
        probe_mac: near.mac.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n),
      });
      const there = new Map((Object.values(maps) as BpfMap<unknown, unknown>[]).map((map) => [map.name, map]));
      for (const name of object.mapNames()) {
        const map = there.get(name);
        if (map) {
          // Those with a value for each CPU are as large as this box has CPUs.
          object.setMaxEntries(name, map.maxEntries);
          object.reuse(map);
        } else if (!name.startsWith('probe_')) object.shrinkMap(name);
      }
      object.load();
      return new CheckPath(device, object, prefixes);
    } catch (error) {
      device.close();
      throw error;
    }
  }

  /** Answers may come in by these interfaces, and by no others. @returns what could not be done */
  follow(ifindexes: ReadonlySet<number>): string[] {
    const problems: string[] = [];
    for (const [ifindex, link] of this.#answers)
      if (!ifindexes.has(ifindex)) {
        link.close();
        this.#answers.delete(ifindex);
      }
    for (const ifindex of ifindexes) {
      if (this.#answers.has(ifindex)) continue;
      try {
        this.#answers.set(ifindex, TcxLink.attach(this.#answer, ifindex));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }
    return problems;
  }

  /** VIPs on backends that have an address. */
  get size(): number {
    return this.#written.size;
  }

  /** Forgets every address that stands for none of these. */
  keep(names: ReadonlySet<string>): void {
    for (const family of [4, 6] as const)
      for (const address of this.#pools[family].keep(names)) {
        if (this.#written.delete(address)) this.#maps.ways.delete({ address: words(mappedAddress(address)) });
      }
  }

  /** Where a check for this VIP on this backend has to go. @returns or why it cannot be said */
  destination(name: string, vip: string, way: ServiceWay): Destination | string {
    if (way.local) return { address: vip, host: vip };
    const { family, bytes } = parseIp(vip)!;
    const address = this.#pools[family].take(name);
    if (address === undefined) return 'there are more checks than addresses for them: set balancer.check_addresses';
    const source = way.source?.length === bytes.length ? way.source : this.device.sourceFor(parseIp(address)!.bytes);
    if (!source) return `this box has no IPv${family} address to check from`;
    const from = formatIp(source);
    const line = [vip, from, way.service, way.backend].join(' ');
    if (this.#written.get(address) !== line) {
      this.#maps.ways.set(
        { address: words(mappedAddress(address)) },
        {
          vip: words(mappedAddress(vip)),
          source: words(mappedAddress(from)),
          service: way.service,
          backend: way.backend,
        },
      );
      this.#written.set(address, line);
    }
    return { address, localAddress: from, host: vip };
  }

  close(): void {
    for (const link of this.#answers.values()) link.close();
    this.#answers.clear();
    this.#xdp.close();
    for (const program of this.#programs) program.close();
    this.#maps.ways.close();
    this.device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
