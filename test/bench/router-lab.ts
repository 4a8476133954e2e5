/**
 * The router under measurement: generator ─ veth ─ router ─ veth ─ sink, each in a namespace of its own, with as many
 * routes as wanted, all by way of the sink.
 *
 * GRO is on at every end, because a veth only takes XDP frames when its peer runs NAPI. Neighbors are permanent, so
 * that nothing but forwarding happens while the clock runs.
 */

import { maps as benchMaps } from '../../controlplane/bpf/generated/bench.ts';
import { maps, type Port, portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { type BpfMap, BpfObject, type MapDescriptor, type Program, XdpLink } from '../../controlplane/bpf/index.ts';
import { sizeMaps } from '../../controlplane/dataplane/index.ts';
import { writeStrangers } from '../../controlplane/ports/strangers.ts';
import { idle as idleTap } from '../../controlplane/tap/tap.ts';
import { type Host, Lab } from '../lab/library/index.ts';
import { repository } from '../lab/library/repository.ts';
import { addKernelRoutes } from './kernel-routes.ts';
import { fillMirror } from './mirror-tables.ts';
import { pseudoRandom } from './statistics.ts';

const SOURCE = '192.0.2.2';
const NEXT_HOP = '198.51.100.2';
/** Routes are /24 from here on: a million end where 32.0.0.0 begins. */
const FIRST_ROUTE = 16 * 2 ** 24;
export const DESTINATIONS = 65_536;

/** Which destinations packets go to: always the same, or 65,536 at random under all routes. */
export type Spread = 'hot' | 'random';

/** The reference programs, loaded for one spread of destinations. */
export class References implements Disposable {
  readonly #object: BpfObject;
  readonly programs: BpfMap<number, number>;
  readonly received: BpfMap<number, bigint>;
  readonly #taken: Program[] = [];

  constructor(object: BpfObject) {
    this.#object = object;
    this.programs = object.map(benchMaps.programs);
    this.received = object.map(benchMaps.received);
  }

  program(name: string): Program {
    const program = this.#object.program(name);
    this.#taken.push(program);
    return program;
  }

  [Symbol.dispose](): void {
    for (const program of this.#taken) program.close();
    this.programs.close();
    this.received.close();
    this.#object.close();
  }
}

/** Headrace's own program, on the port the packets come in by. */
export class Subject implements Disposable {
  readonly #object: BpfObject;
  readonly program: Program;
  readonly #ports: BpfMap<number, Port>;
  readonly #lab: RouterLab;

  constructor(lab: RouterLab, constants: Readonly<Record<string, boolean>>) {
    this.#lab = lab;
    this.#object = BpfObject.open(`${repository}/build/xdp/headrace.bpf.o`);
    this.#object.setConstants(constants);
    sizeMaps(this.#object, constants);
    this.#object.load();
    this.program = this.#object.program('headrace_xdp');
    this.#ports = this.#object.map(maps.ports);
    fillMaps(lab, (descriptor) => this.#object.map(descriptor));
    if (constants['feature_mirror'])
      fillMirror((descriptor) => this.#object.map(descriptor), lab.prefixes(), {
        ifindex: lab.egress,
        mtu: 1500,
        destination: mac(lab.sink.mac('s0')),
        source: mac(lab.router.mac('ro')),
        vlan_protocol: 0,
        vlan_tag: 0,
      });
    this.setFlags(0);
  }

  /** @param flags of enum port_flag, besides those that make the port work at all. */
  setFlags(flags: number): void {
    setIngress(this.#lab, this.#ports, flags);
  }

  /** Has one packet in so many sampled; the program must have been loaded with feature_tap. */
  sampleEvery(rate: number): void {
    using filter = this.#object.map(maps.tapFilter);
    filter.set(0, { ...idleTap, sample_rate: rate });
  }

  [Symbol.dispose](): void {
    this.#ports.close();
    this.program.close();
    this.#object.close();
  }
}

/** @param flags of enum port_flag, besides those that make the port work at all. */
export function setIngress(lab: RouterLab, ports: BpfMap<number, Port>, flags: number): void {
  const always = portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.MIRROR_IPV4;
  const { ingress, ingressMac: mac } = lab;
  ports.set(ingress, { flags: always | flags, mtu: 1500, slot: 1, mac, interface: ingress });
}

/** Has the maps of a packet path, opened by `map`, know the lab; the lease never ends. */
export function fillMaps(lab: RouterLab, map: <K, V>(descriptor: MapDescriptor<K, V>) => BpfMap<K, V>): void {
  using transmit = map(maps.txPorts);
  using settings = map(maps.settings);
  using own = map(maps.ownV4);
  using strangers = map(maps.strangers);
  lab.router.inNamespace(() => transmit.set(lab.egress, lab.egress));
  settings.set(0, { ...settings.get(0)!, lease: 2n ** 62n });
  const addresses = ['192.0.2.1', '198.51.100.1', '192.0.2.255', '198.51.100.255'].map(ipv4);
  for (const address of addresses) own.set(address, 1);
  writeStrangers(strangers, addresses);
}

export class RouterLab implements Disposable {
  readonly #lab = new Lab('bench');
  readonly generator: Host = this.#lab.host('generator');
  readonly router: Host = this.#lab.host('router');
  readonly sink: Host = this.#lab.host('sink');
  /** Interface numbers, each valid in its own host's namespace. */
  readonly source: number;
  readonly ingress: number;
  readonly egress: number;
  readonly ingressMac: Uint8Array;
  #routes = 0;

  constructor() {
    this.#lab.link(this.generator, 'g0', this.router, 'ri', { gro: true });
    this.#lab.link(this.router, 'ro', this.sink, 's0', { gro: true });
    this.router.address('ri', '192.0.2.1/24');
    this.router.address('ro', '198.51.100.1/24');
    this.router.forward();
    this.router.ip(`neighbor replace ${SOURCE} lladdr ${this.generator.mac('g0')} dev ri nud permanent`);
    this.router.ip(`neighbor replace ${NEXT_HOP} lladdr ${this.sink.mac('s0')} dev ro nud permanent`);
    this.source = this.generator.ifindex('g0');
    this.ingress = this.router.ifindex('ri');
    this.egress = this.router.ifindex('ro');
    this.ingressMac = mac(this.router.mac('ri'));
  }

  /** Has the router hold this many routes: 1, or up to a million of /24 each. */
  setRoutes(count: number): void {
    this.router.ip('route flush proto 200', { timeoutMs: 300_000 });
    this.#routes = count;
    const gateway = bytes(number32(NEXT_HOP));
    addKernelRoutes(
      this.router.path,
      this.prefixes().map(({ address, length }) => ({
        destination: bytes(address),
        prefixLength: length,
        gateway,
        protocol: 200,
      })),
    );
  }

  /** The routes, all by way of the sink. */
  prefixes(): { readonly address: number; readonly length: number }[] {
    if (this.#routes === 1) return [{ address: FIRST_ROUTE, length: 4 }];
    return Array.from({ length: this.#routes }, (_, i) => ({ address: FIRST_ROUTE + i * 256, length: 24 }));
  }

  /** Loads the reference programs for the present routes. */
  loadReferences(spread: Spread): References {
    const object = BpfObject.open(`${repository}/build/xdp/bench.bpf.o`);
    object.setConstants({
      destination_mask: spread === 'hot' ? 0 : DESTINATIONS - 1,
      source_address: ipv4(SOURCE),
      egress_ifindex: this.egress,
      router_mac: number(this.ingressMac),
      generator_mac: number(mac(this.generator.mac('g0'))),
      sink_mac: number(mac(this.sink.mac('s0'))),
      egress_mac: number(mac(this.router.mac('ro'))),
    });
    object.load();
    using destinations = object.map(benchMaps.destinations);
    using memory = destinations.mmap();
    const random = pseudoRandom(1);
    for (let i = 0; i < DESTINATIONS; i++) {
      const route = random.next().value % (this.#routes === 1 ? 1_000_000 : this.#routes);
      memory.view.setUint32(i * 8, ipv4(text(FIRST_ROUTE + route * 256 + (random.next().value & 0xff))), true);
    }
    using egress = object.map(benchMaps.egress);
    this.router.inNamespace(() => egress.set(this.egress, this.egress));
    return new References(object);
  }

  attach(host: Host, ifindex: number, program: Program): XdpLink {
    return host.inNamespace(() => XdpLink.attach(program, ifindex, 'native'));
  }

  [Symbol.dispose](): void {
    this.#lab.cleanup();
  }
}

/** In network byte order. */
function bytes(address: number): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

function number32(address: string): number {
  return Buffer.from(address.split('.').map(Number)).readUInt32BE(0);
}

function text(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

/** Network byte order in memory, as the little-endian number that lies there. */
function ipv4(address: string): number {
  return Buffer.from(address.split('.').map(Number)).readUInt32LE(0);
}

function mac(address: string): Uint8Array {
  return Buffer.from(address.replaceAll(':', ''), 'hex');
}

function number(bytes: Uint8Array): bigint {
  return Buffer.concat([bytes, Buffer.alloc(2)]).readBigUInt64LE(0);
}
