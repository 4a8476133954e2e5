/** Failure modes 13, 14, 16–18, 23, 30–33: what the FIB answers, MTU, and ports that can't transmit. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pathKind, pathLayout, portFlag } from '../../controlplane/bpf/generated/headrace.ts';
import { waysOf } from '../../controlplane/dataplane/counters.ts';
import { type PacketSpec, type PortName, packet } from './packets/packet.ts';
import { udp } from './packets/transport.ts';
import { slotOf, TestRouter } from './router.ts';
import { expectRow, type Row, table } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterEach(() => router?.reset());
afterAll(() => router?.close());

const out = { out: 'out0' } as const;
const small = { out: 'small' } as const;
const to = (destination: string, becomes: Row[2]): Row => [`to ${destination}`, { destination }, becomes];
/** A packet of `length` bytes from the IP header on. */
const sized = (destination: string, length: number): PacketSpec => ({
  destination,
  payload: udp({ length: length - 8 - (destination.includes(':') ? 40 : 20) }),
});

describe('reject routes', () => {
  table(
    () => router,
    [
      to('192.0.2.1', 'blackhole'),
      to('192.0.2.17', 'unreachable'),
      to('192.0.2.33', 'prohibit'),
      to('192.0.2.49', 'local'), // throw: no route
      to('2001:db8:bad:1::1', 'blackhole'),
      to('2001:db8:bad:2::1', 'unreachable'),
      to('2001:db8:bad:3::1', 'prohibit'),
    ],
  );

  it('no route at all goes to the kernel', () => {
    router.ip('route del default\nroute del ::/0');
    try {
      expectRow(router, { destination: '8.8.8.8' }, 'local');
      // The kernel's last entry of the IPv6 table is a route that rejects.
      const answer = router.send(frameTo('2606:4700::1111'));
      expect(answer.verdict).toBe('pass');
    } finally {
      router.ip('route add default via 10.0.2.2\nroute add ::/0 via fd00:2::2');
    }
  });
});

describe('neighbors', () => {
  table(
    () => router,
    [to('198.18.4.1', 'no_neighbor'), to('10.0.2.77', 'no_neighbor'), to('2001:db8:9::1', 'no_neighbor')],
  );

  it('a neighbor that failed is not a destination', () => {
    router.ip('neighbor add 10.0.2.9 dev out0 nud failed');
    expectRow(router, { destination: '198.18.4.1' }, 'no_neighbor');
  });
});

describe('MTU', () => {
  table(
    () => router,
    [
      ['IPv4 as long as the egress takes', sized('203.0.113.7', 1300), small],
      ['IPv4 a byte longer', sized('203.0.113.7', 1301), 'frag_needed'],
      ['IPv6 as long as the egress takes', sized('2001:db8:203::7', 1300), small],
      ['IPv6 a byte longer', sized('2001:db8:203::7', 1301), 'frag_needed'],
      ['IPv6 longer by less than its header', sized('2001:db8:203::7', 1340), 'frag_needed'],
      ['locked route MTU', sized('198.18.5.1', 1400), out],
      ['a byte more than the locked route MTU', sized('198.18.5.1', 1401), 'frag_needed'],
    ],
  );
});

describe('routes of other kinds', () => {
  table(
    () => router,
    [
      ['IPv4 by an IPv6 next hop', { destination: '198.18.3.1' }, out],
      ['route by TOS', { destination: '198.18.6.1', tos: 0x10 }, { out: 'out1' }],
      ['the same without that TOS', { destination: '198.18.6.1' }, out],
      ['back out of where it came from', { destination: '198.18.2.1' }, { out: 'in0' }],
      ['IPv6 back out of where it came from', { destination: '2001:db8:1a1::1' }, { out: 'in0' }],
      ['padded and back out', { destination: '198.18.2.1', trailer: 18 }, { out: 'in0' }],
    ],
  );

  it('policy rules by source and port are followed', () => {
    router.ip(
      'rule add from 10.0.1.99 table 100\nrule add ipproto udp dport 5353 table 100\nroute add default via 10.0.3.2 table 100',
    );
    try {
      expectRow(router, { source: '10.0.1.99' }, { out: 'out1' });
      expectRow(router, { payload: udp({ destinationPort: 5353 }) }, { out: 'out1' });
      expectRow(router, { payload: udp({ destinationPort: 5354 }) }, out);
      expectRow(router, { destination: '10.0.3.1' }, 'local');
    } finally {
      router.ip('rule del from 10.0.1.99 table 100\nrule del ipproto udp dport 5353 table 100');
    }
  });

  it('forwarding switched off on the ingress is the kernel’s to apply', () => {
    router.sysctl('ipv4/conf/in0/forwarding', 0);
    router.sysctl('ipv6/conf/in0/forwarding', 0);
    try {
      expectRow(router, {}, 'forwarding_off');
      expectRow(router, { destination: '2001:db8:100::7' }, 'forwarding_off');
    } finally {
      router.sysctl('ipv4/conf/in0/forwarding', 1);
      router.sysctl('ipv6/conf/in0/forwarding', 1);
    }
  });

  it('a route that changes is followed by the next packet', () => {
    router.ip('route replace 198.51.100.0/24 via 10.0.3.2');
    expectRow(router, {}, { out: 'out1' });
    router.ip('route replace 198.51.100.0/24 via 10.0.2.2');
    expectRow(router, {}, out);
  });
});

describe('ports', () => {
  table(() => router, [to('198.18.1.1', 'egress_unable'), to('2001:db8:5::1', 'egress_unable')]);

  it('a port that can not transmit gets nothing back either', () => {
    router.setFlags('in0', 0, portFlag.TRANSMITS);
    expectRow(router, { destination: '198.18.2.1' }, 'egress_unable');
    expectRow(router, {}, out);
  });

  it('a port that is not attached passes everything, counted where nobody is', () => {
    router.setFlags('in0', 0, portFlag.ATTACHED);
    expect(router.run(frameTo('198.51.100.7')).verdict).toBe('pass');
  });
});

function frameTo(destination: string): Uint8Array {
  return packet({ destination });
}

describe('ways through the box', () => {
  it('are counted for what XDP sends, by the slots it came in by and left by', () => {
    using counting = new TestRouter({ feature_paths: true });
    const length = counting.send(packet({ destination: '198.51.100.7' })).frame.length;
    counting.send(packet({ destination: '203.0.113.7' }));
    counting.send(packet({ destination: '203.0.113.7' }));
    counting.send(packet({ destination: '192.0.2.1' })); // blackhole: the kernel's
    const ways = waysOf(counting.maps.counters);
    const found = Array.from({ length: ways.maxEntries }, (__, index) => {
      const counts = ways.getPerCpu(index);
      return { index, packets: counts.reduce((sum, { packets }) => sum + packets, 0n), counts };
    }).filter(({ packets }) => packets > 0n);
    const way = (from: PortName, to: PortName): number =>
      (slotOf(from) * pathLayout.SLOTS + slotOf(to)) * pathLayout.KINDS + pathKind.REDIRECT;
    expect(found.map(({ index, packets }) => [index, packets])).toEqual([
      [way('in0', 'out0'), 1n],
      [way('in0', 'small'), 2n],
    ]);
    expect(found[0]!.counts.reduce((sum, { bytes }) => sum + bytes, 0n)).toBe(BigInt(length));
  });
});
