/**
 * The address a box is known by to collectors where none is configured: they take samples of one address for those of
 * one device. So not the address of `lo` while there is another: anycast addresses and VIPs lie there, and several boxes
 * have them.
 */
import type { Address, Link } from '../../controlplane/netlink/index.ts';

const GLOBAL = 0;

/** @returns 4 or 16 bytes, of IPv4 if there is any; 0.0.0.0 when there is none. */
export function agentAddressOf(
  addresses: readonly Pick<Address, 'ifindex' | 'family' | 'bytes' | 'scope'>[],
  links: readonly Pick<Link, 'index' | 'loopback'>[],
): Uint8Array {
  const loopback = new Set(links.filter((link) => link.loopback).map(({ index }) => index));
  const global = addresses.filter(({ scope }) => scope === GLOBAL);
  const elsewhere = global.filter(({ ifindex }) => !loopback.has(ifindex));
  const candidates = elsewhere.length > 0 ? elsewhere : global;
  return (candidates.find(({ family }) => family === 4) ?? candidates[0])?.bytes ?? new Uint8Array(4);
}
