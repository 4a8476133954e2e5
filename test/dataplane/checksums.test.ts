/** Failure modes 2, 12 and 34: IPv4 header checksums, and transport checksums that a local sender left unfinished. */
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { filler } from './packets/bytes.ts';
import { ip, type PacketSpec, packet } from './packets/packet.ts';
import { carries, icmp, icmp6, type Payload, sctp, tcp, udp } from './packets/transport.ts';
import { TestRouter } from './router.ts';
import { expectRow } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterEach(() => router?.reset());
afterAll(() => router?.close());

const out = { out: 'out0' } as const;
const six = '2001:db8:100::7';

/** The packet whose right header checksum is `wanted`: the identification makes up for the rest. */
function withHeaderChecksum(wanted: number): PacketSpec {
  const frame = packet({ id: 0 });
  const now = ((frame[24] ?? 0) << 8) | (frame[25] ?? 0);
  let id = now - wanted;
  if (id < 0) id += 0xffff;
  return { id };
}

describe('IPv4 header checksum', () => {
  it('is carried on right wherever the carry falls', () => {
    for (const wanted of [0x0000, 0x0001, 0x00ff, 0x0100, 0xfdff, 0xfe00, 0xfefe, 0xfeff, 0xff00, 0xff01, 0xfffe])
      for (const ttl of [2, 64, 255]) expectRow(router, { ...withHeaderChecksum(wanted), ttl }, out);
    for (let id = 0; id < 0x10000; id += 257) expectRow(router, { id }, out);
  });

  it('of 0xffff is zero in other words', () => {
    const { id } = withHeaderChecksum(0);
    const frame = packet({ id: id! });
    if (frame[24] !== 0 || frame[25] !== 0) throw new Error('make a packet of checksum 0: it has another');
    frame[24] = 0xff;
    frame[25] = 0xff;
    const outcome = router.send(frame);
    const right = router.send(packet({ id: id! }));
    if (Buffer.compare(outcome.frame, right.frame) !== 0) throw new Error('checksum 0xffff is carried on otherwise');
  });

  it('that is wrong in any bit goes to the kernel', () => {
    const frame = packet();
    const right = ((frame[24] ?? 0) << 8) | (frame[25] ?? 0);
    for (let bit = 0; bit < 16; bit++) expectRow(router, { checksum: right ^ (1 << bit) }, 'bad_checksum');
    expectRow(router, { checksum: 0 }, 'bad_checksum');
  });

  it('is not repaired for a wrong transport checksum, which is nobody’s business', () => {
    expectRow(router, { payload: udp({ checksum: 0xdead }) }, out);
    expectRow(router, { payload: udp({ checksum: 0 }) }, out);
  });
});

describe('unfinished transport checksums', () => {
  const carried = (protocol: number, inner: PacketSpec, before: readonly number[] = []): Payload =>
    carries(protocol, [...before, ...ip(inner)]);
  const gre = (type: number): number[] => [0, 0, type >> 8, type & 0xff];
  const inner4 = { source: '10.9.9.1', destination: '10.9.9.2' } as const;
  const inner6 = { source: 'fd99::1', destination: 'fd99::2' } as const;
  const cases: readonly (readonly [string, PacketSpec, boolean])[] = [
    ['TCP', { payload: tcp({ checksum: 'unfinished' }) }, true],
    ['TCP finished', { payload: tcp() }, false],
    ['UDP', { payload: udp({ checksum: 'unfinished' }) }, true],
    ['UDP finished', { payload: udp() }, false],
    ['UDP without a checksum', { payload: udp({ checksum: 0 }) }, false],
    ['UDP whose sum is 0xffff', { payload: udp({ checksum: 0xffff }) }, false],
    ['SCTP', { payload: sctp({ checksum: 'unfinished' }) }, true],
    ['SCTP finished', { payload: sctp() }, false],
    ['ICMP', { payload: icmp() }, false],
    ['odd length', { payload: tcp({ checksum: 'unfinished', length: 3 }) }, true],
    ['long', { payload: tcp({ checksum: 'unfinished', length: 1400 }) }, true],
    ['padded', { payload: tcp({ checksum: 'unfinished', length: 1 }), trailer: 5 }, true],
    ['TCP over IPv6', { destination: six, payload: tcp({ checksum: 'unfinished' }) }, true],
    ['TCP over IPv6 finished', { destination: six, payload: tcp() }, false],
    ['UDP over IPv6', { destination: six, payload: udp({ checksum: 'unfinished' }) }, true],
    ['ICMPv6', { destination: six, payload: icmp6('unfinished') }, true],
    ['ICMPv6 finished', { destination: six, payload: icmp6() }, false],
    ['a first fragment, which is always finished', firstFragment(), false],
    ['VXLAN', { payload: udp({ destinationPort: 4789, checksum: 0, length: 80 }) }, true],
    ['VXLAN with an outer checksum', { payload: udp({ destinationPort: 4789, length: 80 }) }, true],
    ['Geneve', { payload: udp({ destinationPort: 6081, checksum: 0, length: 80 }) }, true],
    ['IP in IP', { payload: carried(4, { ...inner4, payload: tcp({ checksum: 'unfinished' }) }) }, true],
    ['IP in IP finished', { payload: carried(4, { ...inner4, payload: tcp() }) }, false],
    ['IP in IP in IP', { payload: carried(4, { ...inner4, payload: carried(4, inner4) }) }, true],
    ['a fragment in IP', { payload: carried(4, { ...inner4, fragment: { offset: 8, more: true } }) }, false],
    ['IPv6 in IP', { payload: carried(41, { ...inner6, payload: udp({ checksum: 'unfinished' }) }) }, true],
    ['IPv6 in IP finished', { payload: carried(41, { ...inner6, payload: udp() }) }, false],
    [
      'IP in IPv6',
      { destination: six, payload: carried(4, { ...inner4, payload: tcp({ checksum: 'unfinished' }) }) },
      true,
    ],
    ['GRE', { payload: carried(47, { ...inner4, payload: tcp({ checksum: 'unfinished' }) }, gre(0x0800)) }, true],
    ['GRE finished', { payload: carried(47, { ...inner4, payload: tcp() }, gre(0x0800)) }, false],
    ['GRE with IPv6 finished', { payload: carried(47, { ...inner6, payload: tcp() }, gre(0x86dd)) }, false],
    ['GRE of Ethernet', { payload: carries(47, [...gre(0x6558), ...filler(80)]) }, true],
    ['GRE with a key', { payload: carries(47, [0x20, 0, 8, 0, 0, 0, 0, 1, ...ip(inner4)]) }, true],
  ];

  for (const [name, spec, unfinished] of cases) {
    it(`${name}: ${unfinished ? 'the kernel finishes it' : 'forwarded'} where it comes in by a virtual port`, () => {
      router.setFlags('in0', portFlag.VIRTUAL);
      expectRow(router, spec, unfinished ? 'unfinished_checksum' : out);
    });
    it(`${name}: forwarded where it comes in by a real port`, () => {
      expectRow(router, spec, out);
    });
  }

  it('compares modulo 0xffff, for there are two zeros', () => {
    router.setFlags('in0', portFlag.VIRTUAL);
    const source = zeroSumSource();
    expectRow(router, { source, payload: tcp({ checksum: 'unfinished' }) }, 'unfinished_checksum');
    expectRow(router, { source, payload: tcp({ checksum: 0xffff }) }, 'unfinished_checksum');
    expectRow(router, { source, payload: tcp({ checksum: 0 }) }, 'unfinished_checksum');
  });

  it('is a feature that can be left out', () => {
    using without = new TestRouter({ feature_unfinished_checksums: false });
    without.setFlags('in0', portFlag.VIRTUAL);
    expectRow(without, { payload: tcp({ checksum: 'unfinished' }) }, out);
  });

  function firstFragment(): PacketSpec {
    return { payload: udp({ checksum: 'unfinished' }), fragment: { offset: 0, more: true } };
  }

  /** A source with which the pseudo-header of a default TCP packet sums to 0xffff. */
  function zeroSumSource(): string {
    // 198.51.100.7 is c633 6407; TCP is 6, 38 bytes long; the source is 0a0a and what is missing.
    const rest = 0xc633 + 0x6407 + 6 + 38 + 0x0a0a;
    const low = 0xffff - ((rest & 0xffff) + (rest >> 16));
    return `10.10.${low >> 8}.${low & 0xff}`;
  }
});
