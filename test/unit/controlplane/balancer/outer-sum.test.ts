import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outerSum } from '../../../../controlplane/balancer/packet-path/index.ts';

const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
const mapped = (address: Uint8Array): Uint8Array => Uint8Array.of(...Array<number>(10).fill(0), 0xff, 0xff, ...address);

/** RFC 791 3.1, over the whole header. */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += (header[at]! << 8) | header[at + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

describe('outerSum()', () => {
  it('and the fields that differ from packet to packet make the header checksum', () => {
    const lengths = fc.integer({ min: 40, max: 65_535 });
    fc.assert(
      fc.property(
        octets,
        octets,
        lengths,
        fc.nat(255),
        fc.constantFrom(4, 41, 17),
        (from, to, length, tos, protocol) => {
          const header = Uint8Array.of(
            0x45,
            tos,
            length >> 8,
            length & 0xff,
            0,
            0,
            0x40,
            0,
            64,
            protocol,
            0,
            0,
            ...from,
            ...to,
          );
          const swapped = outerSum(mapped(from), mapped(to));
          let sum = ((swapped & 0xff) << 8) + (swapped >>> 8) + length + tos + protocol;
          while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
          expect(~sum & 0xffff).toBe(checksum(header));
        },
      ),
    );
  });

  it('is 0 for a backend of IPv6, which has no such header', () => {
    expect(outerSum(new Uint8Array(16).fill(1), new Uint8Array(16).fill(2))).toBe(0);
  });
});
