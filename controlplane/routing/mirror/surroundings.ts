/**
 * What stands around a next hop: the interface it is on, the neighbor behind it, this host's addresses. Kept from
 * messages as the kernel tells them; `resolve` answers as bpf_fib_lookup would, or not at all.
 *
 * The MTU of IPv6 forwarding is a sysctl of the interface (mtu6) that no message carries: it is read when an interface
 * changes, and polled.
 */
import { readFileSync } from 'node:fs';
import type { Address, Link, Neighbor } from '../../netlink/index.ts';
import type { ResolvedHop } from '../fib/index.ts';
import { type Leg, legKey } from '../rib/index.ts';

const ARPHRD_ETHER = 1;
const IPV4_MTU_MAX = 65535;

export class Surroundings {
  readonly links = new Map<number, Link>();
  /** By legKey of interface and address. */
  readonly neighbors = new Map<string, Neighbor>();
  readonly #mtu6 = new Map<number, number>();
  #toPoll: Link[] = [];
  /** IPv4 addresses of this host as words, by interface and by address with prefix length. */
  readonly #addresses = new Map<number, Map<number, number>>();
  readonly #readMtu6: (name: string) => number | undefined;

  constructor(readMtu6: (name: string) => number | undefined = readSysctl) {
    this.#readMtu6 = readMtu6;
  }

  clear(): void {
    this.links.clear();
    this.neighbors.clear();
    this.#mtu6.clear();
    this.#addresses.clear();
  }

  /** @returns whether next hops on the interface may have another answer now. */
  setLink(link: Link): boolean {
    const before = this.links.get(link.index);
    this.links.set(link.index, link);
    const mtu6 = this.#mtu6.get(link.index);
    const now = this.#readMtu6(link.name) ?? link.mtu;
    this.#mtu6.set(link.index, now);
    return (
      !before ||
      before.up !== link.up ||
      before.running !== link.running ||
      before.mtu !== link.mtu ||
      mtu6 !== now ||
      before.type !== link.type ||
      Buffer.compare(before.mac, link.mac) !== 0
    );
  }

  removeLink(ifindex: number): void {
    this.links.delete(ifindex);
    this.#mtu6.delete(ifindex);
  }

  /** Reads the MTU of up to `count` interfaces again, in turn. @returns those whose IPv6 MTU is another one now. */
  pollMtu6(count: number): number[] {
    const changed: number[] = [];
    if (this.#toPoll.length === 0) this.#toPoll = [...this.links.values()];
    for (const { index } of this.#toPoll.splice(0, count)) {
      const link = this.links.get(index);
      if (!link) continue;
      const now = this.#readMtu6(link.name) ?? link.mtu;
      if (now === this.#mtu6.get(link.index)) continue;
      this.#mtu6.set(link.index, now);
      changed.push(link.index);
    }
    return changed;
  }

  setNeighbor(neighbor: Neighbor): Leg {
    const leg = { ifindex: neighbor.ifindex, gateway: neighbor.bytes };
    this.neighbors.set(legKey(leg), neighbor);
    return leg;
  }

  removeNeighbor(neighbor: Neighbor): Leg {
    const leg = { ifindex: neighbor.ifindex, gateway: neighbor.bytes };
    this.neighbors.delete(legKey(leg));
    return leg;
  }

  addAddress(address: Address): void {
    if (address.family !== 4) return;
    const own = this.#addresses.get(address.ifindex) ?? new Map<number, number>();
    this.#addresses.set(address.ifindex, own);
    own.set(addressKey(address), wordOf(address.bytes));
  }

  /** @returns whether it was the interface's last one, and whether this host has it nowhere any more. */
  removeAddress(address: Address): { readonly wasLast: boolean; readonly isGone: boolean } {
    if (address.family !== 4) return { wasLast: false, isGone: false };
    const own = this.#addresses.get(address.ifindex);
    const had = own?.delete(addressKey(address)) ?? false;
    if (own?.size === 0) this.#addresses.delete(address.ifindex);
    const word = wordOf(address.bytes);
    const isGone = ![...this.#addresses.values()].some((each) => [...each.values()].includes(word));
    return { wasLast: had && !this.#addresses.has(address.ifindex), isGone };
  }

  /** MAC addresses and MTU of a way out; undefined while the kernel would not answer plainly, or might not. */
  resolve(leg: Leg, family: 4 | 6): ResolvedHop | undefined {
    const link = this.links.get(leg.ifindex);
    if (!leg.gateway || !link?.up || !link.running || link.type !== ARPHRD_ETHER || link.mac.length !== 6)
      return undefined;
    const neighbor = this.neighbors.get(legKey(leg));
    if (!neighbor?.usable || neighbor.mac?.length !== 6) return undefined;
    const mtu = family === 4 ? Math.min(link.mtu, IPV4_MTU_MAX) : (this.#mtu6.get(leg.ifindex) ?? link.mtu);
    return {
      ifindex: leg.ifindex,
      mtu,
      destination: neighbor.mac,
      source: link.mac,
      vlan_protocol: 0,
      vlan_tag: 0,
    };
  }
}

/** One address may stand on an interface with several prefix lengths. */
function addressKey({ bytes, prefixLength }: Address): number {
  return wordOf(bytes) * 64 + prefixLength;
}

function wordOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function readSysctl(name: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv6/conf/${name}/mtu`, 'utf8'));
  } catch {
    return undefined; // the interface is gone again, or has no IPv6
  }
}
