import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIp, maskAddress, parseIp, parsePrefix } from '../../../../controlplane/netlink/ip-address.ts';

describe('parseIp()', () => {
  it('accepts exactly what node:net accepts, zones apart', () => {
    const characters = fc.constantFrom(...'0123456789abcdefF:.::..'.split(''));
    const noise = fc.string({ unit: characters, maxLength: 24 });
    fc.assert(
      fc.property(fc.oneof(noise, fc.ipV4(), fc.ipV6()), (text) => {
        expect(parseIp(text)?.family ?? 0).toBe(isIP(text));
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['010.0.0.1', '1.2.3', '0x7f.1', '1::2::3', '1.2.3.4.5', 'fe80::1%eth0', '', ':', '1:2:3:4:5:6:7::8:9'])(
    'refuses %j',
    (text) => {
      expect(parseIp(text)).toBeUndefined();
    },
  );

  it('reads back what formatIp() wrote', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }),
    );
    fc.assert(
      fc.property(bytes, (address) => {
        expect([...(parseIp(formatIp(address))?.bytes ?? [])]).toEqual([...address]);
      }),
    );
  });
});

describe('formatIp()', () => {
  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:DB8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
  ])('writes %s as %s', (text, canonical) => {
    expect(formatIp(parseIp(text)!.bytes)).toBe(canonical);
  });
});

describe('prefixes', () => {
  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/', '::/129'])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('masks host bits', () => {
    expect(formatIp(maskAddress(parseIp('10.255.255.255')!.bytes, 13))).toBe('10.248.0.0');
    expect(formatIp(maskAddress(parseIp('10.1.2.3')!.bytes, 0))).toBe('0.0.0.0');
    expect(formatIp(maskAddress(parseIp('2001:db8::1')!.bytes, 32))).toBe('2001:db8::');
  });
});
