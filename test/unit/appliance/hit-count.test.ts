import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HitCount } from '../../../appliance/cli/hit-count.ts';
import { destinationOf, networkHeader } from '../../../controlplane/tap/index.ts';

const routes = ['10.0.0.0/8', '10.1.0.0/16', '2001:db8::/32'].map((prefix) => ({ prefix, table: 254 }));

describe('HitCount', () => {
  test('is exact when every packet was looked at', () => {
    const count = new HitCount();
    for (let i = 0; i < 30; i++) count.add(routes[i % 3 === 0 ? 1 : 0]!, i % 2 === 0);
    expect(count.routes({ packets: 30, seconds: 5 })).toEqual([
      { prefix: '10.0.0.0/8', table: 254, packetsPerSecond: 4, plusMinus: 0, fast: 0.5 },
      { prefix: '10.1.0.0/16', table: 254, packetsPerSecond: 2, plusMinus: 0, fast: 0.5 },
    ]);
  });

  test('shares out all packets by those that were looked at', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2), { minLength: 1, maxLength: 200 }), fc.nat(100_000), (seen, more) => {
        const count = new HitCount();
        for (const route of seen) count.add(routes[route]!, true);
        const hits = count.routes({ packets: seen.length + more, seconds: 2 });
        const sum = hits.reduce((total, { packetsPerSecond }) => total + packetsPerSecond, 0);
        expect(sum).toBeCloseTo((seen.length + more) / 2, 6);
        for (const { plusMinus } of hits) if (more === 0 || hits.length === 1) expect(plusMinus).toBe(0);
      }),
    );
  });

  test('tells an error that the truth is within', () => {
    // A share of 0.25 in 400 packets: 1.96 × sqrt(0.25 × 0.75 / 400) = 4.2 %.
    const count = new HitCount();
    for (let i = 0; i < 400; i++) count.add(routes[i % 4 === 0 ? 0 : 1]!, true);
    const [, rare] = count.routes({ packets: 40_000, seconds: 1 });
    expect(rare).toMatchObject({ prefix: '10.0.0.0/8', packetsPerSecond: 10_000 });
    expect(rare!.plusMinus).toBeCloseTo(1697.4, 0);
  });
});

describe('destinationOf()', () => {
  const ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
  const ipv4 = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 203, 0, 113, 9];

  test('finds it behind tags, in both families, and not in what is too short or something else', () => {
    expect(destinationOf(Uint8Array.from([...ethernet, 8, 0, ...ipv4]))).toEqual(Uint8Array.of(203, 0, 113, 9));
    const tagged = Uint8Array.from([...ethernet, 0x88, 0xa8, 0, 7, 0x81, 0, 0x20, 9, 8, 0, ...ipv4]);
    expect(destinationOf(tagged)).toEqual(Uint8Array.of(203, 0, 113, 9));
    expect(networkHeader(tagged)).toMatchObject({ type: 0x800, vlans: [7, 9] });
    const address = Array.from({ length: 16 }, (_, i) => i);
    const ipv6 = [0x60, 0, 0, 0, 0, 0, 17, 64, ...new Array<number>(16).fill(1), ...address];
    expect(destinationOf(Uint8Array.from([...ethernet, 0x86, 0xdd, ...ipv6]))).toEqual(Uint8Array.from(address));
    expect(destinationOf(Uint8Array.from([...ethernet, 0x86, 0xdd, ...ipv6.slice(0, 39)]))).toBeUndefined();
    expect(destinationOf(Uint8Array.from([...ethernet, 8, 6, ...ipv4]))).toBeUndefined();
    expect(destinationOf(Uint8Array.from(ethernet))).toBeUndefined();
  });
});
