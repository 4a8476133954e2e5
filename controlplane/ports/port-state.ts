/** One interface as an operator sees it: how it is attached, on what it lies, and why the kernel has its packets. */
import { portFlag } from '../bpf/generated/headrace.ts';
import type { XdpMode } from '../bpf/index.ts';
import type { Link } from '../netlink/index.ts';
import type { DesiredPort } from './desired.ts';
import type { OffloadState } from './offloads.ts';
import type { Stack } from './stack.ts';
import { vlanText } from './vlans.ts';

export interface PortState {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly up: boolean;
  /** Of a VLAN interface or a bond's member: that of the interface the program is on. */
  readonly mode: XdpMode | 'none';
  /** Can be an egress of the fast path. */
  readonly transmits: boolean;
  readonly rpFilter: number;
  /** `veth`, `vlan`, `bond`, …; undefined for plain devices. */
  readonly kind: string | undefined;
  /** Name of the bridge, bond or VRF it belongs to. */
  readonly master: string | undefined;
  /** Of a VLAN interface: its tags, and the port that bears them. */
  readonly vlan: { readonly port: string; readonly text: string } | undefined;
  /** Why all or some of its packets are left to the kernel. */
  readonly kernel: string | undefined;
  /** Offloads that were switched off for it since the daemon started, by the kernel's names. */
  readonly switchedOff: readonly string[];
  /** Why it is not attached, although it should be. */
  readonly problem: string | undefined;
}

export interface Surroundings {
  readonly stack: Stack;
  readonly ports: ReadonlyMap<number, DesiredPort>;
  /** How the program is on each interface itself. */
  readonly modes: ReadonlyMap<number, XdpMode | 'none'>;
  readonly offloads: OffloadState | undefined;
  readonly switchedOff: readonly string[];
  readonly rpFilter: number;
  readonly problem: string | undefined;
}

export function stateOf(link: Link, around: Surroundings): PortState {
  const { stack, ports } = around;
  const port = ports.get(link.index);
  const path = stack.vlanPath(link);
  const carrier = port ? (port.vlan?.base ?? port.owner) : link;
  return {
    name: link.name,
    ifindex: link.index,
    mac: link.mac,
    mtu: link.mtu,
    up: link.up,
    mode: around.modes.get(carrier.index) ?? 'none',
    transmits: port?.transmits ?? false,
    rpFilter: around.rpFilter,
    kind: link.kind,
    master: link.master === undefined ? undefined : stack.link(link.master)?.name,
    vlan: typeof path === 'object' ? { port: path.base.name, text: vlanText(path.base, path.tags) } : undefined,
    switchedOff: around.switchedOff,
    kernel: around.problem ? undefined : whyKernel(link, around),
    problem: around.problem ?? around.offloads?.merges,
  };
}

/** The first reason, from what concerns all packets to what concerns some. */
function whyKernel(link: Link, { stack, ports, offloads }: Surroundings): string | undefined {
  const port = ports.get(link.index);
  const path = stack.vlanPath(link);
  if (typeof path === 'string') return path;
  if (path) {
    const base = ports.get(path.base.index);
    if (!base) return `it lies on ${path.base.name}, which is not in dataplane.interfaces: add it`;
    if (base.flags & portFlag.ENSLAVED) return `it lies on ${path.base.name}: ${stack.kernels(path.base)}`;
    if (!port) return link.up ? 'an interface below it is down' : undefined;
    if (link.vlan?.egressPriorities)
      return 'what leaves by it: it maps priorities to tags (egress-qos-map), which the kernel does';
    return undefined;
  }
  if (port && port.owner !== link)
    return link.bondBackup ? `it is an inactive member of ${port.owner.name}` : undefined;
  return (
    stack.unattachable(link) ??
    stack.kernels(link) ??
    (offloads?.hidesTags ? `what looks untagged: ${offloads.hidesTags}` : undefined)
  );
}
