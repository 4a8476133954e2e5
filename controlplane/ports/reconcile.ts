/**
 * From what is to what should be: a list of operations, printed by whoever wants a plan and applied by `Ports`.
 *
 * Order matters: a port's record is written before its program is attached, so that the first packet finds it, and an
 * egress is taken away before anything else changes.
 */
import type { Port } from '../bpf/generated/headrace.ts';
import type { DesiredPort } from './desired.ts';

export type Operation =
  | { readonly kind: 'write-port'; readonly ifindex: number; readonly port: Port }
  | { readonly kind: 'clear-port'; readonly ifindex: number }
  | { readonly kind: 'attach'; readonly ifindex: number; readonly name: string }
  | { readonly kind: 'detach'; readonly ifindex: number }
  | { readonly kind: 'add-egress' | 'remove-egress'; readonly ifindex: number }
  | { readonly kind: 'add-own' | 'remove-own'; readonly address: number };

export interface Actual {
  readonly attached: ReadonlySet<number>;
  readonly ports: ReadonlyMap<number, Port>;
  readonly egress: ReadonlySet<number>;
  readonly own: ReadonlySet<number>;
}

export interface Desired {
  readonly ports: ReadonlyMap<number, DesiredPort>;
  readonly egress: ReadonlySet<number>;
  readonly own: ReadonlySet<number>;
  readonly slotOf: (name: string) => number;
}

export function reconcile(actual: Actual, desired: Desired): Operation[] {
  const operations: Operation[] = [];
  for (const ifindex of actual.egress)
    if (!desired.egress.has(ifindex)) operations.push({ kind: 'remove-egress', ifindex });
  for (const address of desired.own) if (!actual.own.has(address)) operations.push({ kind: 'add-own', address });
  for (const address of actual.own) if (!desired.own.has(address)) operations.push({ kind: 'remove-own', address });
  for (const ifindex of actual.attached) if (!desired.ports.has(ifindex)) operations.push({ kind: 'detach', ifindex });
  for (const ifindex of actual.ports.keys())
    if (!desired.ports.has(ifindex)) operations.push({ kind: 'clear-port', ifindex });
  for (const [ifindex, { link, flags }] of desired.ports) {
    const port = {
      flags,
      mtu: link.mtu,
      slot: desired.slotOf(link.name),
      mac: link.mac.slice(0, 6),
      interface: ifindex,
    };
    if (!samePort(actual.ports.get(ifindex), port)) operations.push({ kind: 'write-port', ifindex, port });
    if (!actual.attached.has(ifindex)) operations.push({ kind: 'attach', ifindex, name: link.name });
  }
  for (const ifindex of desired.egress)
    if (!actual.egress.has(ifindex)) operations.push({ kind: 'add-egress', ifindex });
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
