/**
 * VLAN interfaces on the bench. The kernel under test may be built without them, and the packet path only knows their
 * ifindexes: a veth stands in for each, which the FIB routes to and from, and which is in no map of ports.
 */
import { portFlag, type VlanTag } from '../../controlplane/bpf/generated/headrace.ts';
import { mac } from './packets/bytes.ts';
import { hosts, type PacketSpec, type PortName, packet, type Tag } from './packets/packet.ts';
import type { TestRouter } from './router.ts';

export interface VlanSpec {
  readonly name: string;
  /** 10.1.NUMBER.1 and fd01:NUMBER::1 are its addresses, …2 those of the host behind it. */
  readonly number: number;
  readonly port: PortName;
  /** As frames bear them, the outer one first. */
  readonly tags: readonly (readonly [protocol: number, vid: number])[];
  /** Default: the port's. */
  readonly mac?: string;
  readonly mtu?: number;
  /** Longest frame of the port. Default 1518, of an MTU of 1500. */
  readonly frameMax?: number;
  /** 1: what is routed by it is the kernel’s to send. */
  readonly balancedOnly?: number;
  readonly flags?: number;
}

const FIRST_SLOT = 20;
const swap16 = (value: number): number => ((value & 0xff) << 8) | (value >> 8);

export class Vlan {
  readonly spec: VlanSpec;
  readonly ifindex: number;
  readonly host: string;

  /** @param lower what it lies on, if that is another VLAN interface */
  constructor(router: TestRouter, spec: VlanSpec, lower?: Vlan) {
    this.spec = spec;
    const { name, number } = spec;
    this.host = `02:00:00:01:${number.toString(16).padStart(2, '0')}:02`;
    router.ip(`
      link add ${name} address ${this.mac} mtu ${spec.mtu ?? 1500} type veth peer name far-${name}
      link set ${name} up
      link set far-${name} up
      address add 10.1.${number}.1/24 brd + dev ${name}
      address add fd01:${number}::1/64 dev ${name} nodad
      neighbor add 10.1.${number}.2 lladdr ${this.host} nud permanent dev ${name}
      neighbor add fd01:${number}::2 lladdr ${this.host} nud permanent dev ${name}`);
    this.ifindex = Number(router.ip(`link show ${name}`).split(':')[0]);
    this.setFlags(router, spec.flags ?? 0);
    const [protocol, vid] = spec.tags.at(-1)!;
    router.setVlan(
      { lower: lower?.ifindex ?? router.ifindex(spec.port), protocol: swap16(protocol), vid },
      this.ifindex,
    );
    const tag = (i: number): VlanTag => {
      const [protocol, vid] = spec.tags[i] ?? [0, 0];
      return { protocol: swap16(protocol), tci: swap16(vid) };
    };
    router.setVlanEgress(this.ifindex, {
      port: router.ifindex(spec.port),
      frame_max: spec.frameMax ?? 1518,
      balanced_only: spec.balancedOnly ?? 0,
      outer: tag(0),
      inner: tag(1),
    });
  }

  get mac(): string {
    return this.spec.mac ?? hosts[this.spec.port].router;
  }

  get slot(): number {
    return FIRST_SLOT + this.spec.number;
  }

  setFlags(router: TestRouter, add: number, remove = 0): void {
    router.setPort(this.ifindex, {
      flags: (portFlag.ATTACHED | portFlag.TRANSMITS | add) & ~remove,
      mtu: 1500,
      slot: this.slot,
      mac: Uint8Array.from(mac(this.mac)),
      interface: this.ifindex,
    });
  }

  /** The frame as it leaves by this interface. */
  sent(spec: PacketSpec): Uint8Array {
    const tags = this.spec.tags as readonly Tag[];
    return packet({ ...spec, tags, to: this.host, from: this.mac, ttl: (spec.ttl ?? 64) - 1, trailer: 0 });
  }
}
