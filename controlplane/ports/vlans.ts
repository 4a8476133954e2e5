/**
 * The packet path's two maps of VLAN interfaces, made of links: which interface a tag names, and how what leaves by a
 * VLAN interface is tagged. Pure; `Ports` writes the difference.
 */
import { maps, type Port, portFlag, type VlanEgress, type VlanKey } from '../bpf/generated/headrace.ts';
import type { Link } from '../netlink/index.ts';
import type { DesiredPort } from './desired.ts';
import type { Stack, Tag } from './stack.ts';

/** An entry of the map `vlans`. */
export interface VlanEntry {
  readonly key: VlanKey;
  readonly ifindex: number;
}

/** What __xdp_ok_fwd_dev allows for beyond the MTU: an Ethernet header and one tag. */
const frameAllowance = 14 + 4;
const noTag = { protocol: 0, tci: 0 };

/** Integers of the maps that are in network byte order. */
export function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

/** A text for a key, which is one for the same key. */
export function keyText({ lower, protocol, vid }: VlanKey): string {
  return `${lower}/${networkOrder(protocol).toString(16)}/${vid}`;
}

/**
 * Tags that are known on ports: of all VLAN interfaces that are up, configured or not, because a configured one may lie
 * on one that is not. At most what the map holds.
 */
export function vlanEntries(
  links: readonly Link[],
  stack: Stack,
  ports: ReadonlyMap<number, DesiredPort>,
): VlanEntry[] {
  const entries: VlanEntry[] = [];
  for (const link of links) {
    const path = stack.vlanPath(link);
    if (typeof path !== 'object' || !path.up || !link.vlan || !ports.has(path.base.index)) continue;
    const key = { lower: link.linkIndex!, protocol: networkOrder(link.vlan.protocol), vid: link.vlan.id };
    entries.push({ key, ifindex: link.index });
  }
  return entries.slice(0, maps.vlans.maxEntries);
}

/** How to leave by each VLAN interface that the fast path may send out of, by ifindex. */
export function vlanEgresses(ports: ReadonlyMap<number, DesiredPort>): Map<number, VlanEgress> {
  const egresses = new Map<number, VlanEgress>();
  for (const { link, vlan, transmits, able } of ports.values()) {
    if (!vlan || !able) continue;
    egresses.set(link.index, {
      port: vlan.base.index,
      frame_max: vlan.base.mtu + frameAllowance,
      balanced_only: transmits ? 0 : 1,
      outer: egressTag(vlan.tags[0]),
      inner: egressTag(vlan.tags[1]),
    });
  }
  return egresses;
}

function egressTag(tag: Tag | undefined): VlanEgress['outer'] {
  return tag ? { protocol: networkOrder(tag.protocol), tci: networkOrder(tag.vid) } : noTag;
}

/** "VLAN 100 on eth0", "VLAN 100 in 200 (802.1ad) on eth0". */
export function vlanText(base: Link, tags: readonly Tag[]): string {
  const text = tags
    .toReversed()
    .map(({ protocol, vid }) => (protocol === 0x8100 ? `${vid}` : `${vid} (${protocolName(protocol)})`))
    .join(' in ');
  return `VLAN ${text} on ${base.name}`;
}

function protocolName(protocol: number): string {
  return protocol === 0x88a8 ? '802.1ad' : `0x${protocol.toString(16)}`;
}

export function sameEgress(a: VlanEgress | undefined, b: VlanEgress): boolean {
  return (
    a !== undefined &&
    a.port === b.port &&
    a.frame_max === b.frame_max &&
    a.balanced_only === b.balanced_only &&
    a.outer.protocol === b.outer.protocol &&
    a.outer.tci === b.outer.tci &&
    a.inner.protocol === b.inner.protocol &&
    a.inner.tci === b.inner.tci
  );
}

export const noEgress: VlanEgress = { port: 0, frame_max: 0, balanced_only: 0, outer: noTag, inner: noTag };
export const noPort: Port = { flags: 0, mtu: 0, slot: 0, mac: new Uint8Array(6), interface: 0 };
/** Of a port's flags, those that are true of the VLAN interfaces on it. */
export const inheritedFlags = portFlag.VIRTUAL | portFlag.TRANSMITS | portFlag.ABLE;
