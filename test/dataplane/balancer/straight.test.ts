/**
 * The straight way that most packets of a service take makes of every packet what the long way makes of it: a balancer
 * with it and one without get the same services and the same packets.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  lbBackendFlag,
  lbBackendState,
  lbFragments,
  lbMode,
  lbServiceFlag,
  lbUdp,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { packet } from '../packets/packet.ts';
import { tcp, tcpFlag, udp } from '../packets/transport.ts';
import { BalancerBox, settling, steady, TCP, UDP } from './box.ts';

const VIP = { 4: '192.0.2.100', 6: '2001:db8:1::100' } as const;
const CLIENT = { 4: '203.0.113.9', 6: '2001:db8:77::9' } as const;
const ports = { plain: 80, entropy: 81, settling: 82, clamped: 83, clientIp: 84, tracked: 85, hash3: 86, deadRing: 87 };
const modes = [lbMode.L2, lbMode.IPIP, lbMode.GUE];

/** A port for each kind of service and mode. */
const portOf = (kind: keyof typeof ports, mode: number): number => ports[kind] + 100 * mode;

function furnish(box: BalancerBox): void {
  const { ALIVE, RESOLVED } = lbBackendState;
  box.backend({ number: 1, address: '10.0.2.11' });
  box.backend({ number: 2, address: 'fd00:2::12' });
  box.backend({ number: 3, address: '10.0.1.13', behind: 'in0' });
  box.backend({ number: 4, address: '10.0.2.14', state: ALIVE });
  box.backend({ number: 5, address: '10.0.2.15', state: RESOLVED });
  box.backend({ number: 6, address: '10.0.2.16', flags: lbBackendFlag.LOCAL });
  box.backend({ number: 7, address: '10.0.2.17', mtu: 100 });
  box.backend({ number: 8, address: '10.0.6.18', behind: 'unable' });
  box.ring(1, [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3].map(steady));
  box.ring(2, [settling(1, 2), steady(3), settling(2, 1), steady(0)], { deadline: 2n ** 62n });
  for (const family of [4, 6] as const) {
    const address = VIP[family];
    const first = family * 1000;
    box.vip(first, address);
    let number = first + 1;
    for (const mode of modes)
      for (const protocol of [TCP, UDP]) {
        const add = (kind: keyof typeof ports, more: object): void =>
          box.service({
            number: number++,
            address,
            port: portOf(kind, mode),
            protocol,
            ring: 1,
            mode,
            seed: 7,
            ...more,
          });
        add('plain', {});
        add('entropy', { flags: lbServiceFlag.ENTROPY, entropy_bits: 9 });
        add('settling', { ring: 2 });
        add('clamped', { mss: 1000 });
        add('clientIp', { flags: lbServiceFlag.CLIENT_IP });
        add('tracked', { udp: lbUdp.TRACKED });
        add('hash3', { fragments: lbFragments.HASH3 });
        add('deadRing', { ring: 0 });
      }
  }
}

describe('the straight way', () => {
  let straight: BalancerBox;
  let long: BalancerBox;
  beforeAll(() => {
    straight = new BalancerBox();
    long = new BalancerBox({ feature_balance_straight: false });
    furnish(straight);
    furnish(long);
  });
  afterAll(() => {
    straight?.close();
    long?.close();
  });

  const arbitrary = fc.record({
    family: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom(TCP, UDP),
    kind: fc.constantFrom(...(Object.keys(ports) as (keyof typeof ports)[])),
    mode: fc.constantFrom(...modes),
    sourcePort: fc.integer({ min: 1, max: 65_535 }),
    flags: fc.constantFrom(tcpFlag.SYN, tcpFlag.ACK, tcpFlag.FIN | tcpFlag.ACK, tcpFlag.RST),
    data: fc.constantFrom(0, 1, 30, 60, 1400),
    tos: fc.constantFrom(0, 0xb8, 0x03),
    ttl: fc.constantFrom(1, 2, 64, 255),
    /** Behind the IP packet, as a short frame has it. */
    padding: fc.constantFrom(0, 0, 6),
    miss: fc.constantFrom(0, 0, 0, 50),
  });

  it('sends, counts and refuses as the long way does', { timeout: 60_000 }, () => {
    let balanced = 0;
    fc.assert(
      fc.property(arbitrary, ({ family, protocol, kind, mode, sourcePort, flags, data, tos, ttl, padding, miss }) => {
        const destinationPort = portOf(kind, mode) + miss;
        const bytes = Array<number>(data).fill(0x5a);
        const payload =
          protocol === TCP
            ? tcp({ sourcePort, destinationPort, flags, data: bytes })
            : udp({ sourcePort, destinationPort, data: bytes });
        const frame = packet({ source: CLIENT[family], destination: VIP[family], tos, ttl, payload, trailer: padding });
        const [one, other] = [straight.send(frame), long.send(frame)];
        expect({ ...one, frame: Buffer.from(one.frame).toString('hex') }).toEqual({
          ...other,
          frame: Buffer.from(other.frame).toString('hex'),
        });
        if (one.reason === 'balanced') balanced++;
      }),
      { numRuns: 1500 },
    );
    expect(balanced).toBeGreaterThan(300);
    for (const which of ['service', 'backend'] as const)
      for (let number = 1; number < (which === 'service' ? 6100 : 9); number++)
        if (which === 'backend' || [4, 6].includes(Math.floor(number / 1000)))
          expect(straight.traffic(which, number), `${which} ${number}`).toEqual(long.traffic(which, number));
  });
});
