/**
 * Keeps the packet path's idea of interfaces equal to the kernel's: everything is looked at, compared, and the
 * difference applied. Called at the start and after every event; doing it once too often changes nothing.
 *
 * An interface is known by its number only as long as it lives. When one is deleted, moved to another namespace or made
 * again, whatever was kept under its number goes, so that the next to get the number inherits nothing: records by
 * comparison (see PortMaps), the attachment by what the kernel says is attached.
 */

import { BpfError, type XdpMode } from '../bpf/index.ts';
import type { DataPlane } from '../dataplane/index.ts';
import { type Link, type Netdev, RouteNetlink } from '../netlink/index.ts';
import {
  type DesiredPort,
  desiredAble,
  desiredEgress,
  desiredPorts,
  ownAddresses,
  refusal,
  withMembers,
} from './desired.ts';
import { driverOf, knownToTransmit } from './driver.ts';
import { matchesGlob } from './glob.ts';
import { type OffloadState, settleOffloads } from './offloads.ts';
import { type PortPolicy, underPolicy } from './policy.ts';
import { PortMaps } from './port-maps.ts';
import { type PortState, stateOf } from './port-state.ts';
import { type Operation, reconcile } from './reconcile.ts';
import { Stack } from './stack.ts';
import { forwardingOf, forwardsIpv4, rpFilters } from './sysctls.ts';
import { vlanEgresses, vlanEntries } from './vlans.ts';

export interface PortsOptions {
  readonly patterns: readonly string[];
  /** Attach in generic mode where the driver has no XDP. */
  readonly allowGeneric: boolean;
}

/** An offload that was switched off: worth a line in the log. */
export interface SwitchedOff {
  readonly name: string;
  readonly offloads: readonly string[];
}

export class Ports implements Disposable {
  readonly #plane: DataPlane;
  readonly #netdev: Netdev | undefined;
  readonly #driverTransmits: (link: Link) => boolean;
  readonly #netlink = RouteNetlink.open();
  readonly #maps: PortMaps;
  /** Why an interface could not be attached, by its number. */
  readonly #problems = new Map<number, string>();
  readonly #generic = new Set<number>();
  /** Offloads that were switched off since the start, by interface name: shown, for whoever wonders. */
  readonly #switchedOff = new Map<string, ReadonlySet<string>>();
  readonly #onSwitchedOff: (what: SwitchedOff) => void;
  #states: readonly PortState[] = [];
  #links: readonly Link[] = [];
  #forwards = true;
  #policy: PortPolicy | undefined;

  /**
   * @param netdev undefined where the kernel does not tell what interfaces can do
   * @param onSwitchedOff told of offloads that were switched off; nobody by default
   * @param driverTransmits asked instead of the kernel; by default what is known of drivers
   */
  constructor(
    plane: DataPlane,
    netdev: Netdev | undefined,
    onSwitchedOff: (what: SwitchedOff) => void = () => undefined,
    driverTransmits: (link: Link) => boolean = (link) => knownToTransmit(driverOf(link.name)),
  ) {
    this.#plane = plane;
    this.#netdev = netdev;
    this.#driverTransmits = driverTransmits;
    this.#onSwitchedOff = onSwitchedOff;
    this.#maps = new PortMaps(() => plane.maps);
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

  /** Asked at every refresh which ports the kernel must have; none by default. */
  follow(policy: PortPolicy): void {
    this.#policy = policy;
  }

  /** Looks, compares, applies. @returns what was done, for the log. */
  refresh(options: PortsOptions): readonly Operation[] {
    const links = this.#netlink.links();
    const stack = new Stack(links);
    const alive = new Set(links.map((link) => link.name));
    const matching = links.filter((link) => options.patterns.some((pattern) => matchesGlob(pattern, link.name)));
    const offloads = this.#settleOffloads(matching, stack);
    const observed = {
      links,
      addresses: this.#netlink.addresses(),
      features: this.#netdev?.allXdpFeatures(),
      driverTransmits: this.#driverTransmits,
      rpFilter: rpFilters(links.map((link) => link.name)),
      hidesTags: new Map(
        [...offloads].flatMap(([ifindex, { hidesTags }]) => (hidesTags ? [[ifindex, hidesTags]] : [])),
      ),
      forwards: forwardingOf(links.map((link) => link.name)),
    };
    const members = withMembers(desiredPorts(observed, options.patterns, stack), stack);
    const ports = underPolicy(members, links, this.#policy);
    const own = ownAddresses(observed.addresses);
    this.#forgetOthers(ports, alive);
    const operations = reconcile(
      { attached: this.#plane.attached(), ...this.#maps.actual() },
      {
        ports,
        egress: desiredEgress(ports),
        able: desiredAble(ports),
        own,
        vlans: vlanEntries(links, stack, ports),
        vlanEgress: vlanEgresses(ports),
        slotOf: (name) => this.#plane.slotOf(name, alive),
      },
    );
    this.#maps.filter(own, operations);
    for (const operation of operations) this.#apply(operation, options);

    const attached = this.#plane.attached();
    this.#links = links;
    this.#forwards = forwardsIpv4();
    const modes = new Map(links.map((link) => [link.index, this.#modeOf(link, attached)]));
    this.#states = matching.map((link) =>
      stateOf(link, {
        stack,
        ports,
        modes,
        offloads: offloads.get(link.index),
        switchedOff: [...(this.#switchedOff.get(link.name) ?? [])],
        rpFilter: observed.rpFilter.get(link.name) ?? 0,
        problem: refusal(link) ?? this.#problems.get(link.index),
      }),
    );
    return operations;
  }

  /** Before anything is attached, which some drivers refuse while they merge packets. */
  #settleOffloads(matching: readonly Link[], stack: Stack): Map<number, OffloadState> {
    const states = new Map<number, OffloadState>();
    for (const link of matching) {
      if (link.vlan || refusal(link) || stack.kernels(link) || stack.unattachable(link)) continue;
      const members = link.kind === 'bond' ? stack.members(link) : [];
      const all = [link, ...members].map((each) => {
        const state = settleOffloads(each, stack);
        if (state.switchedOff.length > 0) {
          this.#onSwitchedOff({ name: each.name, offloads: state.switchedOff });
          this.#switchedOff.set(
            each.name,
            new Set([...(this.#switchedOff.get(each.name) ?? []), ...state.switchedOff]),
          );
        }
        return state;
      });
      states.set(link.index, {
        hidesTags: all.find(({ hidesTags }) => hidesTags)?.hidesTags,
        merges: all.find(({ merges }) => merges)?.merges,
        switchedOff: all.flatMap(({ switchedOff }) => switchedOff),
      });
    }
    return states;
  }

  /** What is kept under the numbers of interfaces that are gone, or are others now. */
  #forgetOthers(ports: ReadonlyMap<number, DesiredPort>, alive: ReadonlySet<string>): void {
    for (const ifindex of this.#problems.keys())
      if (ports.get(ifindex)?.attach !== 'yes') this.#problems.delete(ifindex);
    const { programId } = this.#plane;
    for (const name of this.#switchedOff.keys()) if (!alive.has(name)) this.#switchedOff.delete(name);
    for (const ifindex of this.#plane.attached()) {
      const link = ports.get(ifindex)?.link;
      // Our link is on another interface: one that went to another namespace and took the number along.
      if (link && link.xdp?.programId !== programId && link.xdp?.mode !== 'several') this.detach(ifindex);
    }
  }

  #modeOf(link: Link, attached: ReadonlySet<number>): XdpMode | 'none' {
    if (!attached.has(link.index)) return 'none';
    return this.#generic.has(link.index) || link.xdp?.mode === 'generic' ? 'generic' : 'native';
  }

  /** Takes the program off one interface. The next refresh attaches it again if it is still wanted. */
  detach(ifindex: number): void {
    this.#plane.detach(ifindex);
    this.#generic.delete(ifindex);
  }

  #apply(operation: Operation, options: PortsOptions): void {
    if (operation.kind === 'attach') this.#attach(operation.ifindex, operation.name, options);
    else if (operation.kind === 'detach') this.detach(operation.ifindex);
    else this.#maps.apply(operation);
  }

  #attach(ifindex: number, name: string, options: PortsOptions): void {
    this.#problems.delete(ifindex);
    this.#generic.delete(ifindex);
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
