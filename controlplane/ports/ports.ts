/**
 * Keeps the packet path's idea of interfaces equal to the kernel's: everything is looked at, compared, and the
 * difference applied. Called at the start and after every event; doing it once too often changes nothing.
 */

import type { Port } from '../bpf/generated/headrace.ts';
import { BpfError, type XdpMode } from '../bpf/index.ts';
import type { DataPlane } from '../dataplane/index.ts';
import { type Link, type Netdev, RouteNetlink } from '../netlink/index.ts';
import { desiredEgress, desiredPorts, ownAddresses, refusal } from './desired.ts';
import { driverOf, knownToTransmit } from './driver.ts';
import { matchesGlob } from './glob.ts';
import { type Operation, reconcile } from './reconcile.ts';
import { writeStrangers } from './strangers.ts';
import { forwardsIpv4, rpFilters } from './sysctls.ts';

export interface PortsOptions {
  readonly patterns: readonly string[];
  /** Attach in generic mode where the driver has no XDP. */
  readonly allowGeneric: boolean;
}

/** One interface as an operator sees it. */
export interface PortState {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly up: boolean;
  readonly mode: XdpMode | 'none';
  /** Can be an egress of the fast path. */
  readonly transmits: boolean;
  readonly rpFilter: number;
  /** Why it is not attached. */
  readonly problem: string | undefined;
}

export class Ports implements Disposable {
  readonly #plane: DataPlane;
  readonly #netdev: Netdev | undefined;
  readonly #netlink = RouteNetlink.open();
  readonly #ports = new Map<number, Port>();
  readonly #egress = new Set<number>();
  readonly #own = new Set<number>();
  #filtered = false;
  readonly #problems = new Map<number, string>();
  readonly #generic = new Set<number>();
  #states: readonly PortState[] = [];
  #links: readonly Link[] = [];
  #forwards = true;

  constructor(plane: DataPlane, netdev: Netdev | undefined) {
    this.#plane = plane;
    this.#netdev = netdev;
    for (const ifindex of plane.maps.txPorts.keys()) this.#egress.add(ifindex);
    for (const address of plane.maps.ownV4.keys()) this.#own.add(address);
    for (const ifindex of plane.attached()) {
      const port = plane.maps.ports.get(ifindex);
      if (port) this.#ports.set(ifindex, port);
    }
  }

  /** As of the last refresh. */
  get states(): readonly PortState[] {
    return this.#states;
  }

  get links(): readonly Link[] {
    return this.#links;
  }

  /** Does the kernel forward IPv4, as of the last refresh? The packet path asks it, and leaves all to it when not. */
  get forwards(): boolean {
    return this.#forwards;
  }

  /** Has a sysctl changed since the last refresh? A few small files: what can be asked every second. */
  sysctlsChanged(): boolean {
    if (forwardsIpv4() !== this.#forwards) return true;
    const now = rpFilters(this.#states.map((port) => port.name));
    return this.#states.some((port) => now.get(port.name) !== port.rpFilter);
  }

  /** Looks, compares, applies. @returns what was done, for the log. */
  refresh(options: PortsOptions): readonly Operation[] {
    const links = this.#netlink.links();
    const observed = {
      links,
      addresses: this.#netlink.addresses(),
      features: this.#netdev?.allXdpFeatures(),
      driverTransmits: (link: Link) => knownToTransmit(driverOf(link.name)),
      rpFilter: rpFilters(links.map((link) => link.name)),
    };
    const ports = desiredPorts(observed, options.patterns);
    const own = ownAddresses(observed.addresses);
    const operations = reconcile(
      { attached: this.#plane.attached(), ports: this.#ports, egress: this.#egress, own: this.#own },
      {
        ports,
        egress: desiredEgress(ports),
        own,
        slotOf: (name) => this.#plane.slotOf(name),
      },
    );
    // Before the addresses are entered, and with those that are about to go: a filter may only ask for too much.
    if (!this.#filtered || operations.some(({ kind }) => kind === 'add-own' || kind === 'remove-own')) {
      writeStrangers(this.#plane.maps.strangers, [...this.#own, ...own]);
      this.#filtered = true;
    }
    for (const operation of operations) this.#apply(operation, options);

    const attached = this.#plane.attached();
    this.#links = links;
    this.#forwards = forwardsIpv4();
    this.#states = links
      .filter((link) => options.patterns.some((pattern) => matchesGlob(pattern, link.name)))
      .map((link) => ({
        name: link.name,
        ifindex: link.index,
        mac: link.mac,
        mtu: link.mtu,
        up: link.up,
        mode: !attached.has(link.index) ? 'none' : this.#generic.has(link.index) ? 'generic' : modeOf(link),
        transmits: ports.get(link.index)?.transmits ?? false,
        rpFilter: observed.rpFilter.get(link.name) ?? 0,
        problem: refusal(link) ?? this.#problems.get(link.index),
      }));
    return operations;
  }

  /** Takes the program off one interface. The next refresh attaches it again if it is still wanted. */
  detach(ifindex: number): void {
    this.#plane.detach(ifindex);
    this.#generic.delete(ifindex);
  }

  #apply(operation: Operation, options: PortsOptions): void {
    const { maps } = this.#plane;
    switch (operation.kind) {
      case 'write-port':
        maps.ports.set(operation.ifindex, operation.port);
        this.#ports.set(operation.ifindex, operation.port);
        break;
      case 'clear-port':
        maps.ports.set(operation.ifindex, { flags: 0, mtu: 0, slot: 0, mac: new Uint8Array(6), interface: 0 });
        this.#ports.delete(operation.ifindex);
        break;
      case 'attach':
        this.#attach(operation.ifindex, operation.name, options);
        break;
      case 'detach':
        this.detach(operation.ifindex);
        break;
      case 'add-egress':
        // A device may have vanished since we looked: the event that says so is on its way.
        ignoreGone(() => maps.txPorts.set(operation.ifindex, operation.ifindex));
        this.#egress.add(operation.ifindex);
        break;
      case 'remove-egress':
        maps.txPorts.delete(operation.ifindex);
        this.#egress.delete(operation.ifindex);
        break;
      case 'add-own':
        maps.ownV4.set(operation.address, 1);
        this.#own.add(operation.address);
        break;
      case 'remove-own':
        maps.ownV4.delete(operation.address);
        this.#own.delete(operation.address);
        break;
    }
  }

  #attach(ifindex: number, name: string, options: PortsOptions): void {
    this.#problems.delete(ifindex);
    try {
      this.#plane.attach(ifindex, 'native');
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const unsupported = error.code === 'EOPNOTSUPP' || error.code === 'ENOTSUP';
      if (unsupported && options.allowGeneric) {
        this.#plane.attach(ifindex, 'generic');
        this.#generic.add(ifindex);
        return;
      }
      this.#problems.set(ifindex, explainAttach(error, name));
    }
  }

  close(): void {
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function modeOf(link: Link): XdpMode {
  return link.xdp?.mode === 'generic' ? 'generic' : 'native';
}

function ignoreGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof BpfError) || (error.code !== 'EINVAL' && error.code !== 'ENODEV')) throw error;
  }
}

/** What stands in the way of attaching to `links`: other programs than `own`, and interfaces that cannot be ports. */
export function refusedInterfaces(links: readonly Link[], own: ReadonlySet<number>): string[] {
  return links.flatMap((link) => {
    if (!link.xdp || own.has(link.xdp.programId)) return [];
    return [`${occupied(link.name)} (program ${link.xdp.programId})`];
  });
}

function occupied(name: string): string {
  return `another XDP program is attached to ${name}: see it with "bpftool net", take it off with "ip link set dev ${name} xdp off" or by the tool that owns it`;
}

/** What to do about a refused attachment. */
export function explainAttach(error: BpfError, name: string): string {
  switch (error.code) {
    case 'EBUSY':
    case 'EEXIST':
      return occupied(name);
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
      return `the driver of ${name} does not run XDP natively: set dataplane.allow_generic to run it after the kernel has made its packets, which works everywhere and is no faster than the kernel`;
    case 'EPERM':
      return `not permitted to attach to ${name}: CAP_NET_ADMIN and CAP_BPF are needed`;
    case 'ENODEV':
      return `${name} is gone`;
    default:
      return `${error.message}; "headrace status" and the kernel log ("dmesg") may say more`;
  }
}
