/**
 * Which neighbors the kernel is to keep resolved for us: pure functions.
 *
 * Packets forwarded in XDP neither use nor confirm a neighbor in the kernel's eyes. An entry they depend on would go
 * stale and be used for ever, whatever became of the host. So it is made *managed* (NTF_EXT_MANAGED): the kernel then
 * probes it by itself.
 *
 * - Gateways of routes: always, resolved or not.
 * - Hosts of attached networks: once they are resolved. The packet path has an entry made only by handing a packet up,
 *   so an entry that is there and resolved is one that something needed; whether it still does cannot be seen, so it is
 *   kept as long as the host answers. When it does not, the entry is deleted: the next packet has it resolved anew.
 *
 * Never touched: PERMANENT and NOARP entries (their MAC address would be lost), entries another program learned
 * (`extern_learn` with a protocol that is not ours), link-local hosts that are no gateway (nobody forwards to them).
 */
import type { Neighbor } from '../netlink/index.ts';
import { neighborKey } from '../netlink/index.ts';
import type { NextHop } from './next-hops.ts';

/** RTPROT_* that marks entries as ours. */
export const OUR_PROTOCOL = 201;

export type Use = 'gateway' | 'attached';

export interface WantedNeighbor extends NextHop {
  readonly use: Use;
}

export interface Wanted {
  /** By neighborKey(). */
  readonly neighbors: ReadonlyMap<string, WantedNeighbor>;
  /** Left out because there are more than the limit. */
  readonly surplus: number;
}

export interface World {
  /** By neighborKey(). */
  readonly gateways: ReadonlyMap<string, NextHop>;
  /** The kernel's table, by neighborKey(). */
  readonly neighbors: ReadonlyMap<string, Neighbor>;
  /** Interfaces the packet path may send out of. */
  readonly interfaces: ReadonlySet<number>;
  readonly limit: number;
}

export function isOurs(neighbor: Neighbor): boolean {
  return neighbor.protocol === OUR_PROTOCOL;
}

/** Must be left alone, whatever it is used for. */
function isAnothers(neighbor: Neighbor): boolean {
  if (neighbor.state === 'permanent' || neighbor.state === 'noarp') return true;
  return !isOurs(neighbor) && (neighbor.externLearn || neighbor.managed);
}

function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

function isGroup(bytes: Uint8Array): boolean {
  return bytes.length === 16 ? bytes[0] === 0xff : bytes[0]! >= 224;
}

/** What this address is to the packet path; undefined when it is not to be kept. */
export function useOf(key: string, neighbor: Neighbor | undefined, world: World): Use | undefined {
  if (neighbor && isAnothers(neighbor)) return undefined;
  const gateway = world.gateways.get(key);
  if (gateway && world.interfaces.has(gateway.ifindex)) return 'gateway';
  if (!neighbor || !world.interfaces.has(neighbor.ifindex)) return undefined;
  if (isLinkLocal(neighbor.bytes) || isGroup(neighbor.bytes)) return undefined;
  // One of ours that is being asked for again has not failed yet.
  return neighbor.usable || (isOurs(neighbor) && neighbor.state === 'incomplete') ? 'attached' : undefined;
}

/** All that are to be kept, gateways first; of attached hosts those that are kept already stay before others. */
export function wantedNeighbors(world: World): Wanted {
  const gateways: [string, WantedNeighbor][] = [];
  const attached: [string, WantedNeighbor][] = [];
  for (const [key, { ifindex, bytes }] of world.gateways)
    if (useOf(key, world.neighbors.get(key), world) === 'gateway')
      gateways.push([key, { ifindex, bytes, use: 'gateway' }]);
  for (const ours of [true, false])
    for (const [key, neighbor] of world.neighbors)
      if (isOurs(neighbor) === ours && useOf(key, neighbor, world) === 'attached')
        attached.push([key, { ifindex: neighbor.ifindex, bytes: neighbor.bytes, use: 'attached' }]);
  const all = [...gateways, ...attached];
  return { neighbors: new Map(all.slice(0, world.limit)), surplus: Math.max(0, all.length - world.limit) };
}

export type NeighborOperation =
  | { readonly kind: 'keep'; readonly key: string; readonly neighbor: NextHop }
  | { readonly kind: 'release'; readonly key: string; readonly neighbor: NextHop };

/** What makes of the kernel's table one in which exactly the wanted entries are kept by us. */
export function neighborOperations(wanted: Wanted, neighbors: ReadonlyMap<string, Neighbor>): NeighborOperation[] {
  const operations: NeighborOperation[] = [];
  for (const [key, neighbor] of wanted.neighbors)
    if (!isKept(neighbors.get(key))) operations.push({ kind: 'keep', key, neighbor });
  for (const [key, neighbor] of neighbors)
    if (isOurs(neighbor) && !isFixed(neighbor) && !wanted.neighbors.has(key))
      operations.push({ kind: 'release', key, neighbor });
  return operations;
}

function isFixed(neighbor: Neighbor): boolean {
  return neighbor.state === 'permanent' || neighbor.state === 'noarp';
}

export function isKept(neighbor: Neighbor | undefined): boolean {
  return neighbor !== undefined && isOurs(neighbor) && neighbor.managed && neighbor.externLearn;
}

export function keyOf(hop: NextHop): string {
  return neighborKey(hop);
}
