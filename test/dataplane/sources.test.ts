/** Failure modes 6 and 27: nobody else sends from our addresses, and rp_filter holds on the fast path. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { strangerBit } from '../../controlplane/ports/strangers.ts';
import { address } from './packets/bytes.ts';
import { TestRouter } from './router.ts';
import { expectRow, type Row } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterEach(() => router?.reset());
afterAll(() => router?.close());

/** Another address with the same bit in the filter. */
function strangerTwin(text: string): string {
  const bitOf = (of: string): number => strangerBit(Buffer.from(address(of)).readUInt32LE());
  for (let i = 0; i < 0x10000; i++) {
    const twin = `8.8.${i >> 8}.${i & 0xff}`;
    if (bitOf(twin) === bitOf(text)) return twin;
  }
  throw new Error(`find a twin of ${text}: none in 8.8.0.0/16`);
}

const out = { out: 'out0' } as const;
/** With and without a control plane that keeps own_v4: the answer must be the same. */
const leases = [
  ['valid', 0xffff_ffff_ffff_ffffn],
  ['never given', 0n],
  ['run out', 1n],
] as const;

describe('own sources', () => {
  const own = ['10.0.1.1', '10.0.2.1', '10.0.1.255', '10.0.2.255'];
  for (const [name, lease] of leases)
    it(`are refused with the lease ${name}`, () => {
      for (const text of own) router.addOwn(address(text));
      router.setLease(lease);
      for (const source of own) expectRow(router, { source }, 'martian_source');
      for (const source of ['10.0.1.2', '10.0.1.77', '10.0.2.77', '8.8.8.8']) expectRow(router, { source }, out);
    });

  it('are found without the filter, and strangers that share its bit are not taken for us', () => {
    const twin = strangerTwin('10.0.1.1');
    router.addOwn(address('10.0.1.1'));
    for (const clear of [false, true]) {
      if (clear) router.clearStrangers();
      expectRow(router, { source: '10.0.1.1' }, 'martian_source');
      expectRow(router, { source: twin }, out);
      expectRow(router, { source: '10.0.1.77' }, out);
    }
  });

  it('are looked up in the kernel, not in the map, once the lease has run out', () => {
    router.addOwn(address('10.0.1.88'));
    expectRow(router, { source: '10.0.1.88' }, 'martian_source');
    router.setLease(0n);
    expectRow(router, { source: '10.0.1.88' }, out);
  });

  it('of IPv6 are forwarded, as the kernel does', () => {
    expectRow(router, { source: 'fd00:1::1', destination: '2001:db8:100::7' }, out);
  });
});

describe('rp_filter', () => {
  const rows = (flag: number, expected: Readonly<Record<string, Row[2]>>): void => {
    for (const [, lease] of leases) {
      router.setLease(lease);
      router.setFlags('in0', flag);
      for (const [source, becomes] of Object.entries(expected)) expectRow(router, { source }, becomes);
    }
  };

  it('strict: only from where the route back leads', () => {
    rows(portFlag.RP_STRICT, {
      '10.0.1.2': out,
      '10.0.1.77': out, // nobody has resolved it yet: an answer all the same
      '198.18.2.9': out, // routed by in0
      '172.16.0.1': 'reverse_path',
      '8.8.8.8': 'reverse_path',
      '10.0.2.2': 'reverse_path',
      '192.0.2.1': 'reverse_path', // blackhole
      '10.0.1.1': 'martian_source',
    });
  });

  it('loose: from anywhere that has a route', () => {
    rows(portFlag.RP_LOOSE, {
      '10.0.1.2': out,
      '172.16.0.1': out,
      '8.8.8.8': out,
      '192.0.2.17': 'reverse_path',
      '10.0.1.1': 'martian_source',
    });
  });

  it('off: from anywhere', () => {
    rows(0, { '10.0.1.2': out, '172.16.0.1': out, '8.8.8.8': out });
  });

  it('does not ask about IPv6, which has none', () => {
    router.setFlags('in0', portFlag.RP_STRICT);
    expectRow(router, { source: '2001:db8:100::1', destination: '2001:db8:100::7' }, out);
  });

  it('is a feature that can be left out', () => {
    using without = new TestRouter({ feature_rp_filter: false });
    without.setFlags('in0', portFlag.RP_STRICT);
    expectRow(without, { source: '8.8.8.8' }, out);
    expect(without.run(new Uint8Array(60)).verdict).toBe('pass');
  });
});
