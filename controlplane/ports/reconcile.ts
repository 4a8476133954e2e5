/**
 * From what is to what should be: a list of operations, printed by whoever wants a plan and applied by `Ports`.
 *
 * Order matters. What leads packets somewhere is taken away before what it leads to, and made after it: an egress and a
 * tag go first and come last, a port's record is written before its program is attached, so that the first packet finds
 * it.
 */
import type { Port, VlanEgress } from '../bpf/generated/headrace.ts';
import type { DesiredPort } from './desired.ts';
import { keyText, sameEgress, type VlanEntry } from './vlans.ts';

export type MapOperation =
  | { readonly kind: 'write-port'; readonly ifindex: number; readonly port: Port }
  | { readonly kind: 'clear-port'; readonly ifindex: number }
  | ({ readonly kind: 'write-vlan' | 'clear-vlan' } & VlanEntry)
  | { readonly kind: 'write-vlan-egress'; readonly ifindex: number; readonly egress: VlanEgress }
  | { readonly kind: 'clear-vlan-egress'; readonly ifindex: number }
  | { readonly kind: 'add-egress' | 'remove-egress' | 'add-able' | 'remove-able'; readonly ifindex: number }
  | { readonly kind: 'add-own' | 'remove-own'; readonly address: number };

export type Operation =
  | MapOperation
  | { readonly kind: 'attach'; readonly ifindex: number; readonly name: string }
  | { readonly kind: 'detach'; readonly ifindex: number };

export interface Actual {
  readonly attached: ReadonlySet<number>;
  readonly ports: ReadonlyMap<number, Port>;
  readonly egress: ReadonlySet<number>;
  readonly able: ReadonlySet<number>;
  readonly own: ReadonlySet<number>;
  /** By `keyText`. */
  readonly vlans: ReadonlyMap<string, VlanEntry>;
  readonly vlanEgress: ReadonlyMap<number, VlanEgress>;
}

export interface Desired {
  readonly ports: ReadonlyMap<number, DesiredPort>;
  readonly egress: ReadonlySet<number>;
  readonly able: ReadonlySet<number>;
  readonly own: ReadonlySet<number>;
  readonly vlans: readonly VlanEntry[];
  readonly vlanEgress: ReadonlyMap<number, VlanEgress>;
  readonly slotOf: (name: string) => number;
}

export function reconcile(actual: Actual, desired: Desired): Operation[] {
  const operations: Operation[] = [];
  for (const ifindex of actual.egress)
    if (!desired.egress.has(ifindex)) operations.push({ kind: 'remove-egress', ifindex });
  for (const ifindex of actual.able) if (!desired.able.has(ifindex)) operations.push({ kind: 'remove-able', ifindex });
  for (const ifindex of actual.vlanEgress.keys())
    if (!desired.vlanEgress.has(ifindex)) operations.push({ kind: 'clear-vlan-egress', ifindex });
  const tags = new Map(desired.vlans.map((entry) => [keyText(entry.key), entry]));
  for (const [text, entry] of actual.vlans) if (!tags.has(text)) operations.push({ ...entry, kind: 'clear-vlan' });
  for (const address of desired.own) if (!actual.own.has(address)) operations.push({ kind: 'add-own', address });
  for (const address of actual.own) if (!desired.own.has(address)) operations.push({ kind: 'remove-own', address });
  for (const ifindex of actual.attached)
    if ((desired.ports.get(ifindex)?.attach ?? 'no') === 'no') operations.push({ kind: 'detach', ifindex });
  for (const ifindex of actual.ports.keys())
    if (!desired.ports.has(ifindex)) operations.push({ kind: 'clear-port', ifindex });
  for (const [ifindex, { link, flags, attach, owner }] of desired.ports) {
    const port = {
      flags,
      mtu: link.mtu,
      slot: desired.slotOf(owner.name),
      mac: owner.mac.slice(0, 6),
      interface: owner.index,
    };
    if (!samePort(actual.ports.get(ifindex), port)) operations.push({ kind: 'write-port', ifindex, port });
    if (attach === 'yes' && !actual.attached.has(ifindex))
      operations.push({ kind: 'attach', ifindex, name: link.name });
  }
  for (const [text, entry] of tags)
    if (actual.vlans.get(text)?.ifindex !== entry.ifindex) operations.push({ ...entry, kind: 'write-vlan' });
  for (const ifindex of desired.egress)
    if (!actual.egress.has(ifindex)) operations.push({ kind: 'add-egress', ifindex });
  for (const ifindex of desired.able) if (!actual.able.has(ifindex)) operations.push({ kind: 'add-able', ifindex });
  for (const [ifindex, egress] of desired.vlanEgress)
    if (!sameEgress(actual.vlanEgress.get(ifindex), egress))
      operations.push({ kind: 'write-vlan-egress', ifindex, egress });
  return operations;
}

function samePort(a: Port | undefined, b: Port): boolean {
  return (
    a !== undefined &&
    a.flags === b.flags &&
    a.mtu === b.mtu &&
    a.slot === b.slot &&
    a.interface === b.interface &&
    Buffer.from(a.mac).equals(b.mac)
  );
}
