/**
 * What the checksum of a tunnel's IPv4 header to a backend begins with: the packet path adds length, type of service and
 * protocol, and so spares itself the rest. See lb_write_ipv4 in xdp-programs/include/headrace/balance-forward.h.
 */
import { lbOuterHeader } from '../../bpf/generated/headrace.ts';

const VERSION_AND_LENGTH = 0x4500;
const DO_NOT_FRAGMENT = 0x4000;

/**
 * The folded ones' complement sum, as a number of this host over words in network byte order.
 * @param source 16 bytes, IPv4 as ::ffff:a.b.c.d; so is `destination`. Other addresses have no such header: 0.
 */
export function outerSum(source: Uint8Array, destination: Uint8Array): number {
  if (!isMapped(destination)) return 0;
  let sum = VERSION_AND_LENGTH + DO_NOT_FRAGMENT + (lbOuterHeader.TTL << 8);
  for (const address of [source, destination]) for (const at of [12, 14]) sum += (address[at]! << 8) | address[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

function isMapped(address: Uint8Array): boolean {
  return address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
}
