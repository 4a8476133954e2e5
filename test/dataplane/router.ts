/**
 * A router on the bench: a network namespace with ports, addresses, neighbors and routes, the real program loaded with
 * maps of its own, and packets sent through it by test-run. Nothing is attached and nothing is pinned: the program and
 * its maps vanish with their descriptors, the namespaces with `close`.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import {
  type Counter,
  counterLayout,
  type Port,
  portFlag,
  type reason,
  reasonNames,
  type VlanEgress,
  type VlanKey,
  verdictNames,
} from '../../controlplane/bpf/generated/headrace.ts';
import { type BpfMap, BpfObject, inNetns, type Program } from '../../controlplane/bpf/index.ts';
import { slotCounters } from '../../controlplane/dataplane/counters.ts';
import { type DataPlaneMaps, type Features, sizeMaps, takeMaps } from '../../controlplane/dataplane/index.ts';
import { writeStrangers } from '../../controlplane/ports/strangers.ts';
import { repository } from '../lab/library/repository.ts';
import { mac } from './packets/bytes.ts';
import { hosts, type PortName } from './packets/packet.ts';

export type ReasonName = Lowercase<keyof typeof reason>;

/** What became of a packet. */
export interface Outcome {
  readonly verdict: string;
  readonly reason: string;
  readonly frame: Uint8Array;
}

const names = Object.keys(hosts) as PortName[];
/** Of its counters. */
export const slotOf = (port: PortName): number => names.indexOf(port) + 1;
const everyPort = portFlag.ATTACHED | portFlag.TRANSMITS | portFlag.ABLE;
export const leaseForEver = 0xffff_ffff_ffff_ffffn;

/** Routes every test finds, for `ip -batch`. Default routes show what would leak without a check. */
const routes = `
route add default via 10.0.2.2
route add 198.51.100.0/24 via 10.0.2.2
route add 203.0.113.0/24 via 10.0.4.2
route add 198.18.0.0/24 nexthop via 10.0.2.2 nexthop via 10.0.3.2
route add 198.18.1.0/24 via 10.0.5.2
route add 198.18.2.0/24 via 10.0.1.2
route add 198.18.3.0/24 via inet6 fd00:2::2 dev out0
route add 198.18.4.0/24 via 10.0.2.9
route add 198.18.5.0/24 via 10.0.2.2 mtu lock 1400
route add 198.18.6.0/24 via 10.0.3.2 tos 0x10
route add 198.18.6.0/24 via 10.0.2.2
route add blackhole 192.0.2.0/28
route add unreachable 192.0.2.16/28
route add prohibit 192.0.2.32/28
route add throw 192.0.2.48/28
route add 172.16.0.0/16 via 10.0.3.2
route add ::/0 via fd00:2::2
route add 2001:db8:100::/48 via fd00:2::2
route add 2001:db8:203::/48 via fd00:4::2
route add 2001:db8:ec::/48 nexthop via fd00:2::2 nexthop via fd00:3::2
route add 2001:db8:5::/48 via fd00:5::2
route add 2001:db8:1a1::/48 via fd00:1::2
route add 2001:db8:9::/48 via fd00:2::9
route add blackhole 2001:db8:bad:1::/64
route add unreachable 2001:db8:bad:2::/64
route add prohibit 2001:db8:bad:3::/64
`;

function batch(netns: string, commands: string): string {
  return execFileSync('ip', ['-n', netns, '-batch', '-'], { input: commands, encoding: 'utf8' });
}

/** Namespaces of runs that were killed: their process is gone. */
function sweep(): void {
  let found: string[] = [];
  try {
    found = readdirSync('/run/netns');
  } catch {
    return;
  }
  for (const name of found) {
    const pid = /^hr-dataplane-(\d+)-/.exec(name)?.[1];
    if (pid === undefined) continue;
    try {
      process.kill(Number(pid), 0);
    } catch {
      execFileSync('ip', ['netns', 'delete', name]);
    }
  }
}

let made = 0;

export class TestRouter implements Disposable {
  readonly program: Program;
  /** Every map of the program, those of features that are off left out. */
  readonly maps: DataPlaneMaps;
  readonly #netns: string;
  readonly #far: string;
  readonly #ports: ReadonlyMap<PortName, number>;

  /** @param sizes entries of maps, by their names in the object; for the others those of the object */
  constructor(constants: Features = {}, sizes: Readonly<Record<string, number>> = {}) {
    sweep();
    const base = `hr-dataplane-${process.pid}-${made++}`;
    this.#netns = `${base}-router`;
    this.#far = `${base}-far`;
    execFileSync('ip', ['netns', 'add', this.#netns]);
    execFileSync('ip', ['netns', 'add', this.#far]);
    try {
      this.#ports = this.#wire();
      using object = BpfObject.open(`${repository}/build/xdp/headrace.bpf.o`);
      object.setConstants(constants);
      sizeMaps(object, constants);
      for (const [name, entries] of Object.entries(sizes)) object.setMaxEntries(name, entries);
      object.load();
      this.program = object.program('headrace_xdp');
      this.maps = takeMaps(object, constants);
    } catch (error) {
      this.#removeNamespaces();
      throw error;
    }
    this.reset();
  }

  #wire(): ReadonlyMap<PortName, number> {
    this.sysctl('ipv4/conf/all/rp_filter', 0);
    this.sysctl('ipv4/conf/default/rp_filter', 0);
    this.sysctl('ipv6/conf/default/accept_dad', 0);
    const lines = ['link set lo up'];
    names.forEach((name, i) => {
      const { router, host } = hosts[name];
      const n = i + 1;
      const mtu = name === 'small' ? 1300 : name === 'unable' ? 1500 : 9000;
      lines.push(
        `link add ${name} address ${router} mtu ${mtu} type veth peer name far-${name} netns ${this.#far}`,
        `link set ${name} up`,
        `address add 10.0.${n}.1/24 brd + dev ${name}`,
        `address add fd00:${n}::1/64 dev ${name} nodad`,
        `neighbor add 10.0.${n}.2 lladdr ${host} nud permanent dev ${name}`,
        `neighbor add fd00:${n}::2 lladdr ${host} nud permanent dev ${name}`,
      );
    });
    batch(this.#netns, lines.join('\n'));
    batch(this.#far, names.map((name) => `link set far-${name} up`).join('\n'));
    this.sysctl('ipv4/ip_forward', 1);
    this.sysctl('ipv6/conf/all/forwarding', 1);
    this.sysctl('ipv4/fib_multipath_hash_policy', 1);
    this.sysctl('ipv6/fib_multipath_hash_policy', 1);
    batch(this.#netns, routes);
    const links = JSON.parse(execFileSync('ip', ['-n', this.#netns, '-j', 'link'], { encoding: 'utf8' })) as {
      ifname: string;
      ifindex: number;
    }[];
    const found = new Map<PortName, number>();
    for (const name of names) {
      const index = links.find((link) => link.ifname === name)?.ifindex;
      if (index === undefined) throw new Error(`find port ${name}: it was just made`);
      found.set(name, index);
    }
    return found;
  }

  ifindex(port: PortName): number {
    return this.#ports.get(port)!;
  }

  /** `ip` commands in the router's namespace, one a line; what they print. */
  ip(commands: string): string {
    return batch(this.#netns, commands);
  }

  sysctl(path: string, value: number): void {
    inNetns(`/run/netns/${this.#netns}`, () => writeFileSync(`/proc/sys/net/${path}`, `${value}\n`));
  }

  /** Flags of a port besides attached and able to transmit. */
  setFlags(port: PortName, add: number, remove = 0): void {
    this.maps.ports.set(this.ifindex(port), {
      flags: (everyPort | add) & ~remove,
      mtu: 1500,
      slot: slotOf(port),
      mac: Uint8Array.from(mac(hosts[port].router)),
      interface: this.ifindex(port),
    });
  }

  /** Any interface as packets meet it; `setFlags` is for those every test has. */
  setPort(ifindex: number, port: Port): void {
    this.maps.ports.set(ifindex, port);
  }

  setVlan(key: VlanKey, ifindex: number): void {
    this.maps.vlans.set(key, ifindex);
  }

  setVlanEgress(ifindex: number, egress: VlanEgress): void {
    this.maps.vlanEgress.set(ifindex, egress);
  }

  setLease(lease: bigint): void {
    this.maps.settings.set(0, { ...this.maps.settings.get(0)!, lease });
  }

  /** Packets a second to unresolved neighbors that are handed up; 0: no limit. */
  limitUnresolved(perSecond: number): void {
    for (const slot of names.map(slotOf)) this.maps.unresolvedWindows.set(slot, 0n);
    this.maps.settings.set(0, { ...this.maps.settings.get(0)!, unresolved_per_second: perSecond });
  }

  /** An address of our own, as the control plane would enter it. */
  addOwn(address: readonly number[]): void {
    const number = Buffer.from(address).readUInt32LE();
    writeStrangers(this.maps.strangers, [...this.maps.ownV4.keys(), number]);
    this.maps.ownV4.set(number, 1);
  }

  /** Has every source looked up in own_v4, as before the control plane has written the filter. */
  clearStrangers(): void {
    for (const word of [...this.maps.strangers.keys()]) this.maps.strangers.set(word, 0n);
  }

  /** Ports as every test finds them; the lease is valid. */
  reset(): void {
    for (const port of names) this.setFlags(port, 0);
    for (const key of [...this.maps.ownV4.keys()]) this.maps.ownV4.delete(key);
    inNetns(`/run/netns/${this.#netns}`, () => {
      for (const port of names) {
        if (port === 'unable') continue;
        this.maps.txPorts.set(this.ifindex(port), this.ifindex(port));
        this.maps.ablePorts.set(this.ifindex(port), this.ifindex(port));
      }
    });
    writeStrangers(this.maps.strangers, []);
    this.setLease(leaseForEver);
    this.limitUnresolved(0);
  }

  /** Does something in the router's namespace. */
  inside<T>(work: () => T extends PromiseLike<unknown> ? never : T): T {
    return inNetns(`/run/netns/${this.#netns}`, work);
  }

  /** Runs the frame through the program without looking at counters. */
  run(frame: Uint8Array, port: PortName = 'in0'): { readonly verdict: string; readonly frame: Uint8Array } {
    const result = inNetns(`/run/netns/${this.#netns}`, () =>
      this.program.testRun({ data: frame, ingressIfindex: this.ifindex(port) }),
    );
    return { verdict: verdictNames[result.verdict] ?? String(result.verdict), frame: result.data };
  }

  /**
   * Runs the frame and finds its reason: exactly one counter must have moved, by one packet and the frame's length.
   * @param slot where it is counted
   */
  send(frame: Uint8Array, port: PortName = 'in0', slot = slotOf(port)): Outcome {
    const before = this.#countersOf(slot);
    const { verdict, frame: out } = this.run(frame, port);
    const after = this.#countersOf(slot);
    const moved = [...after].flatMap((count, i) =>
      count.packets === before[i]!.packets && count.bytes === before[i]!.bytes
        ? []
        : [{ index: i, packets: count.packets - before[i]!.packets, bytes: count.bytes - before[i]!.bytes }],
    );
    const only = moved[0];
    if (moved.length !== 1 || only?.packets !== 1n || only.bytes !== BigInt(frame.length))
      throw new Error(`count a packet of ${frame.length} bytes: counters moved ${JSON.stringify(moved, textOfBigint)}`);
    const counted = verdictNames[Math.floor(only.index / counterLayout.COUNTED_REASONS)];
    if (counted !== verdict) throw new Error(`count a packet: verdict ${verdict}, counted as ${counted}`);
    return { verdict, reason: reasonNames[only.index % counterLayout.COUNTED_REASONS] ?? '?', frame: out };
  }

  #countersOf(slot: number): Counter[] {
    return slotCounters(this.maps.counters, slot);
  }

  #removeNamespaces(): void {
    for (const name of [this.#netns, this.#far]) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  }

  close(): void {
    this.program.close();
    for (const map of Object.values(this.maps) as BpfMap<unknown, unknown>[]) map.close();
    this.#removeNamespaces();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const textOfBigint = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
