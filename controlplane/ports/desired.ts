/**
 * What each interface should be to the packet path: pure functions from what the kernel says and the configuration
 * wants. Nothing in here touches a map.
 */
import { maps, portFlag } from '../bpf/generated/headrace.ts';
import type { Address, Link, XdpFeatures } from '../netlink/index.ts';
import { matchesGlob } from './glob.ts';
import { Stack, type VlanPath } from './stack.ts';
import { inheritedFlags } from './vlans.ts';

/** Everything that is looked at. */
export interface Observed {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  /** By ifindex; undefined on kernels that do not tell (before 6.3). */
  readonly features: ReadonlyMap<number, XdpFeatures> | undefined;
  /** Whether an interface's driver is known to transmit: asked only where `features` is undefined. */
  readonly driverTransmits?: (link: Link) => boolean;
  /** Effective rp_filter by interface name: 0 off, 1 strict, 2 loose. */
  readonly rpFilter: ReadonlyMap<string, number>;
  /** Why frames that look untagged may have had a tag, by the port's ifindex. */
  readonly hidesTags?: ReadonlyMap<number, string>;
  /** Families each interface forwards, by name. */
  readonly forwards?: ReadonlyMap<string, { readonly ipv4: boolean; readonly ipv6: boolean }>;
}

export interface DesiredPort {
  readonly link: Link;
  /** enum port_flag */
  readonly flags: number;
  /** May be an egress of what is routed. */
  readonly transmits: boolean;
  /** May be an egress of what is balanced: `transmits`, unless a policy takes only what is routed from it. */
  readonly able: boolean;
  /** Is the program to be on the interface itself? `keep`: if it is there, taking it off gains nothing. */
  readonly attach: 'yes' | 'keep' | 'no';
  /** Whose packets these are to the kernel: the interface itself, or its bond. */
  readonly owner: Link;
  /** Where a VLAN interface's frames come in and leave. */
  readonly vlan?: VlanPath;
}

/** Interfaces of these kinds hand over packets whose checksums nobody has computed yet. */
const virtualKinds: ReadonlySet<string> = new Set(['veth', 'tun', 'netkit', 'macvlan', 'ipvlan', 'bridge', 'dummy']);
/** Largest MTU whose frames are of one buffer, on pages of 4 KiB. */
const multiBufferBytes = 3498;

/** @returns why the interface cannot be a port, undefined if it can. */
export function refusal(link: Link): string | undefined {
  if (link.loopback) return 'the loopback interface forwards nothing';
  if (link.index >= maps.ports.maxEntries)
    return `its index ${link.index} is above ${maps.ports.maxEntries - 1}: create it again after a reboot, or in a namespace`;
  return undefined;
}

/** Matching interfaces that can be ports, and the VLAN interfaces on them, by ifindex. */
export function desiredPorts(
  observed: Observed,
  patterns: readonly string[],
  stack = new Stack(observed.links),
): Map<number, DesiredPort> {
  const matches = (link: Link): boolean => patterns.some((pattern) => matchesGlob(pattern, link.name));
  const wanted = observed.links.filter((link) => matches(link) && !refusal(link));
  const ports = new Map<number, DesiredPort>();
  for (const link of wanted) {
    if (link.vlan || stack.unattachable(link)) continue;
    const bond = stack.bondOf(link);
    if (bond && matches(bond) && !stack.unattachable(bond)) continue; // comes with its bond: withMembers()
    const kernels = stack.kernels(link) !== undefined;
    const transmits = !kernels && canTransmit(link, featuresOf(link, observed));
    let flags: number = portFlag.ATTACHED | sysctlFlags(link, observed);
    if (link.kind && virtualKinds.has(link.kind)) flags |= portFlag.VIRTUAL;
    if (transmits) flags |= portFlag.TRANSMITS | portFlag.ABLE;
    if (kernels) flags |= portFlag.ENSLAVED;
    if (observed.hidesTags?.has(link.index)) flags |= portFlag.TAGS_HIDDEN;
    ports.set(link.index, { link, flags, transmits, able: transmits, attach: kernels ? 'keep' : 'yes', owner: link });
  }
  for (const link of wanted) {
    const vlan = stack.vlanPath(link);
    if (typeof vlan !== 'object' || !vlan.up) continue;
    const base = ports.get(vlan.base.index);
    if (!base || base.flags & portFlag.ENSLAVED) continue;
    const transmits = base.transmits && link.running && !link.vlan?.egressPriorities;
    const flags = portFlag.ATTACHED | sysctlFlags(link, observed) | (base.flags & inheritedFlags);
    ports.set(link.index, { link, flags, transmits, able: transmits, attach: 'no', owner: link, vlan });
  }
  return ports;
}

/** Members of bonds that are ports: the driver runs the bond's program for their frames, which are the bond's. */
export function withMembers(ports: ReadonlyMap<number, DesiredPort>, stack: Stack): Map<number, DesiredPort> {
  const all = new Map(ports);
  for (const bond of ports.values()) {
    if (bond.link.kind !== 'bond' || bond.attach !== 'yes') continue;
    for (const link of stack.members(bond.link)) {
      if (refusal(link)) continue;
      // What an inactive member receives, the bond drops.
      const flags = link.bondBackup ? bond.flags | portFlag.ENSLAVED : bond.flags;
      all.set(link.index, { link, flags, transmits: false, able: false, attach: 'no', owner: bond.link });
    }
  }
  return all;
}

/** What the sysctls of an interface say about packets that come in by it. */
function sysctlFlags(link: Link, observed: Observed): number {
  const rp = observed.rpFilter.get(link.name) ?? 0;
  const forwards = observed.forwards?.get(link.name);
  return (
    (rp === 1 ? portFlag.RP_STRICT : rp === 2 ? portFlag.RP_LOOSE : 0) |
    (forwards?.ipv4 ? portFlag.MIRROR_IPV4 : 0) |
    (forwards?.ipv6 ? portFlag.MIRROR_IPV6 : 0)
  );
}

/** What the kernel says, or, before 6.3, what is known of the driver. */
function featuresOf(link: Link, observed: Observed): Pick<XdpFeatures, 'ndoXmit' | 'ndoXmitSg'> | undefined {
  if (observed.features) return observed.features.get(link.index);
  return { ndoXmit: observed.driverTransmits?.(link) ?? false, ndoXmitSg: false };
}

/**
 * Does a frame redirected there leave? Without carrier, or when the kernel cannot tell, it is the kernel's to send: a
 * frame the driver does not take is lost without a word.
 */
export function canTransmit(link: Link, features: Pick<XdpFeatures, 'ndoXmit' | 'ndoXmitSg'> | undefined): boolean {
  if (!link.up || !link.running || !features?.ndoXmit) return false;
  return features.ndoXmitSg || link.mtu <= multiBufferBytes;
}

/**
 * Ports the fast path may send out of. Only configured ones: an interface the operator never named keeps its queueing
 * discipline and whatever else the kernel does on the way out.
 */
export function desiredEgress(ports: ReadonlyMap<number, DesiredPort>): Set<number> {
  return new Set([...ports.values()].filter((port) => port.transmits && !port.vlan).map((port) => port.link.index));
}

/** Ports the balancer may send out of: the kernel owns no VIP, and could not send its packets instead. */
export function desiredAble(ports: ReadonlyMap<number, DesiredPort>): Set<number> {
  return new Set([...ports.values()].filter((port) => port.able && !port.vlan).map((port) => port.link.index));
}

/**
 * IPv4 addresses nobody else may send from: this host's own, and the broadcast and network addresses of its networks.
 * As 32-bit numbers whose memory holds network byte order.
 */
export function ownAddresses(addresses: readonly Address[]): Set<number> {
  const own = new Set<number>();
  for (const address of addresses) {
    if (address.family !== 4) continue;
    const value = new DataView(address.bytes.buffer, address.bytes.byteOffset, 4);
    own.add(value.getUint32(0, true));
    if (address.broadcast)
      own.add(new DataView(address.broadcast.buffer, address.broadcast.byteOffset, 4).getUint32(0, true));
    if (address.prefixLength > 0 && address.prefixLength < 31) {
      const mask = (0xffffffff << (32 - address.prefixLength)) >>> 0;
      const network = (value.getUint32(0) & mask) >>> 0;
      own.add(swap(network));
      own.add(swap((network | ~mask) >>> 0));
    }
  }
  return own;
}

function swap(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value);
  return view.getUint32(0, true);
}
