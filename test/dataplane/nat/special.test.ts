/** Mode nat: errors about a connection, fragments, and replies that cannot simply be sent on. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lbFragments, portFlag } from '../../../controlplane/bpf/generated/headrace.ts';
import { TCP, UDP } from '../balancer/box.ts';
import { u16, u32 } from '../packets/bytes.ts';
import { forwarded, hosts, ip, type PacketSpec, packet } from '../packets/packet.ts';
import { carries, icmp6Message, icmpMessage, type Payload, tcp, tcpFlag, udp } from '../packets/transport.ts';
import {
  BACKEND_PORT,
  ends,
  type Family,
  families,
  hexOf,
  NatBox,
  PORT,
  sent,
  shown,
  sourceOf,
  sourcePortOf,
} from './box.ts';

let box: NatBox;
beforeAll(() => {
  box = new NatBox();
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.forget();
  box.services({ flags: 0, fragments: lbFragments.DROP });
  box.setPorts(1024, 32767);
});

const fromBackend = { to: hosts.out0.router, from: hosts.out0.host };
const CLIENT_PORT = 40_000;
type Make = (ports: { sourcePort: number; destinationPort: number }) => Payload;
const kinds: Record<string, Make> = {
  tcp: (ports) => tcp({ ...ports, length: 60 }),
  udp: (ports) => udp({ ...ports, length: 60 }),
  'udp without checksum': (ports) => udp({ ...ports, length: 60, checksum: 0 }),
};
/** A router on the way. */
const routers = { 4: '10.0.9.9', 6: 'fd00:9::9' } as const;

/** Opens a connection; the port the backend sees. */
function open(family: Family, make: Make): number {
  const { client: source, vip: destination } = ends[family];
  const payload = make({ sourcePort: CLIENT_PORT, destinationPort: PORT });
  return sourcePortOf(box.send(packet({ source, destination, payload })).frame);
}

const error = (family: Family, quoted: readonly number[]): Payload =>
  family === 4 ? icmpMessage(3, 4, [...u32(1400), ...quoted]) : icmp6Message(2, 0, [...u32(1400), ...quoted]);

describe('errors about a connection', () => {
  for (const snat of [false, true])
    for (const family of families)
      for (const [kind, make] of Object.entries(kinds)) {
        const { client, vip, backend, own } = ends[family];
        const sizes = { whole: 1000, 'eight bytes of': (family === 4 ? 20 : 40) + 8 };
        for (const [size, bytes] of Object.entries(sizes)) {
          const name = `IPv${family}${snat ? ' SNAT' : ''}, quoting ${size} ${kind}`;

          it(`${name}: from a router behind the box, to the client, as from the VIP`, () => {
            box.setSnat(snat);
            const seenAs = snat ? own : client;
            const port = open(family, make);
            const onTheWay: PacketSpec = {
              source: seenAs,
              destination: backend,
              payload: make({ sourcePort: port, destinationPort: BACKEND_PORT }),
            };
            const asSent: PacketSpec = {
              source: client,
              destination: vip,
              payload: make({ sourcePort: CLIENT_PORT, destinationPort: PORT }),
            };
            const spec: PacketSpec = { source: routers[family], destination: seenAs };
            const arrives = packet({ ...fromBackend, ...spec, payload: error(family, ip(onTheWay).slice(0, bytes)) });
            const leaves = { source: vip, destination: client, payload: error(family, ip(asSent).slice(0, bytes)) };
            const outcome = shown(box, arrives, 'out0');
            expect(outcome).toEqual(sent(forwarded(leaves, 'in0'), 'nat_reply'));
          });

          it(`${name}: from the client's side, to its backend`, () => {
            box.setSnat(snat);
            const seenAs = snat ? own : client;
            const port = open(family, make);
            const onTheWay: PacketSpec = {
              source: vip,
              destination: client,
              payload: make({ sourcePort: PORT, destinationPort: CLIENT_PORT }),
            };
            const asSent: PacketSpec = {
              source: backend,
              destination: seenAs,
              payload: make({ sourcePort: BACKEND_PORT, destinationPort: port }),
            };
            const source = family === 4 ? '203.0.113.7' : '2001:db8:77::7';
            const arrives = packet({ source, destination: vip, payload: error(family, ip(onTheWay).slice(0, bytes)) });
            const leaves: PacketSpec = {
              source: snat ? own : source,
              destination: backend,
              payload: error(family, ip(asSent).slice(0, bytes)),
            };
            expect(shown(box, arrives)).toEqual(sent(forwarded(leaves, 'out0'), 'balanced'));
          });
        }
      }

  it('and errors about anything else are nobody’s: routed, or dropped at the VIP', () => {
    const other = ip({ source: ends[4].client, destination: ends[4].backend, payload: udp({ destinationPort: 9 }) });
    const routed = { ...fromBackend, source: routers[4], destination: ends[4].client, payload: error(4, other) };
    expect(box.send(packet(routed), 'out0').reason).toBe('forwarded');
    const reply = ip({ source: ends[4].vip, destination: ends[4].client, payload: udp({ sourcePort: PORT }) });
    expect(box.send(packet({ destination: ends[4].vip, payload: error(4, reply) })).reason).toBe('vip_icmp');
  });

  it('a ping of a backend and its answer pass as ever', () => {
    const ping = { source: ends[4].client, destination: ends[4].backend, payload: icmpMessage(8, 0, [0, 1, 0, 1]) };
    expect(box.send(packet(ping)).reason).toBe('forwarded');
    const pong = { source: ends[4].backend, destination: ends[4].client, payload: icmpMessage(0, 0, [0, 1, 0, 1]) };
    expect(box.send(packet({ ...fromBackend, ...pong }), 'out0').reason).toBe('forwarded');
  });
});

interface Way {
  readonly source: string;
  readonly destination: string;
  readonly ports: [number, number];
}

describe('fragments', () => {
  const whole = ({ source, destination, ports }: Way): number[] =>
    udp({ sourcePort: ports[0], destinationPort: ports[1], length: 392 }).build(source, destination);

  for (const family of families) {
    const { client, vip, backend } = ends[family];
    const ways = [
      {
        name: 'of a client',
        port: 'in0' as const,
        out: 'out0' as const,
        reason: 'balanced',
        before: { source: client, destination: vip, ports: [CLIENT_PORT, PORT] as [number, number] },
        after: { source: client, destination: backend, ports: [CLIENT_PORT, BACKEND_PORT] as [number, number] },
        macs: {},
      },
      {
        name: 'of a backend',
        port: 'out0' as const,
        out: 'in0' as const,
        reason: 'nat_reply',
        before: { source: backend, destination: client, ports: [BACKEND_PORT, CLIENT_PORT] as [number, number] },
        after: { source: vip, destination: client, ports: [PORT, CLIENT_PORT] as [number, number] },
        macs: fromBackend,
      },
    ];
    for (const { name, port, out, reason, before, after, macs } of ways) {
      const pieces = (way: Way, offset: number): PacketSpec => {
        const { source, destination } = way;
        const all = whole(way);
        const part = offset === 0 ? all.slice(0, 200) : all.slice(200);
        return { source, destination, payload: carries(17, part), fragment: { offset, more: offset === 0 }, id: 77 };
      };

      it(`IPv${family} ${name}: the first says what becomes of the others`, () => {
        box.services({ fragments: lbFragments.TRACK });
        box.vip(family, vip, { fragments: lbFragments.TRACK });
        if (port === 'out0') open(family, kinds['udp']!);
        for (const offset of [0, 200])
          expect(shown(box, packet({ ...macs, ...pieces(before, offset) }), port)).toEqual(
            sent(forwarded(pieces(after, offset), out), reason),
          );
        box.vip(family, vip);
      });

      it(`IPv${family} ${name}: are dropped where the service takes none`, () => {
        if (port === 'out0') open(family, kinds['udp']!);
        expect(box.send(packet({ ...macs, ...pieces(before, 0) }), port).reason).toBe('vip_fragment');
      });
    }
  }
});

describe('a reply that is not simply sent on', () => {
  const reply = (family: Family, more: PacketSpec & { length?: number } = {}): PacketSpec => ({
    ...fromBackend,
    source: ends[family].backend,
    destination: ends[family].client,
    payload: udp({ sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT, length: more.length ?? 18 }),
    ...more,
  });

  it('to this host itself is the kernel’s: its own checks of backends', () => {
    for (const family of families) {
      const outcome = box.send(packet(reply(family, { destination: ends[family].own })), 'out0');
      expect(outcome).toMatchObject({ verdict: 'pass', reason: 'local' });
    }
  });

  it('whose client has no neighbor yet goes to the kernel as it will be', () => {
    const spec = { source: '198.18.4.7', destination: ends[4].vip };
    const payload = udp({ sourcePort: CLIENT_PORT, destinationPort: PORT });
    box.send(packet({ ...spec, payload }));
    const { verdict, reason, frame } = box.send(packet(reply(4, { destination: '198.18.4.7' })), 'out0');
    expect([verdict, reason]).toEqual(['pass', 'no_neighbor']);
    expect([sourceOf(frame), sourcePortOf(frame)]).toEqual([hexOf(ends[4].vip), PORT]);
    expect(frame[22]).toBe(64); // the kernel takes the TTL down
  });

  for (const family of families)
    it(`IPv${family}: too long for the way, the backend is told so about its own packet`, () => {
      const client = family === 4 ? '203.0.113.9' : '2001:db8:203::9';
      const payload = udp({ sourcePort: CLIENT_PORT, destinationPort: PORT });
      box.send(packet({ source: client, destination: ends[family].vip, payload }));
      const long = reply(family, { destination: client, length: 1400 });
      const frame = packet(long);
      if (family === 4) frame[20] = 0x40; // do not fragment
      if (family === 4) withHeaderChecksum(frame);
      const outcome = box.send(frame, 'out0');
      expect([outcome.verdict, outcome.reason]).toEqual(['tx', 'vip_too_big']);
      const icmp = family === 4 ? 34 : 54;
      expect(Buffer.from(outcome.frame).readUInt32BE(icmp + 4)).toBe(1300);
      const quoted = icmp + 8 + (family === 4 ? 12 : 8);
      const length = family === 4 ? 4 : 16;
      expect(Buffer.from(outcome.frame.slice(quoted, quoted + length)).toString('hex')).toBe(
        hexOf(ends[family].backend),
      );
    });

  it('IPv4 that may be fragmented is the kernel’s to cut, as it will be', () => {
    const payload = udp({ sourcePort: CLIENT_PORT, destinationPort: PORT });
    box.send(packet({ source: '203.0.113.9', destination: ends[4].vip, payload }));
    const outcome = box.send(packet(reply(4, { destination: '203.0.113.9', length: 1400 })), 'out0');
    expect([outcome.verdict, outcome.reason]).toEqual(['pass', 'frag_needed']);
    expect(sourceOf(outcome.frame)).toBe(hexOf(ends[4].vip));
  });

  it('is dropped when its TTL runs out, and when it is none to be rewritten', () => {
    open(4, kinds['udp']!);
    expect(box.send(packet(reply(4, { ttl: 1 })), 'out0')).toMatchObject({ verdict: 'drop', reason: 'vip_ttl' });
    const options = packet(reply(4, { options: [7, 4, 0, 0] }));
    expect(box.send(options, 'out0')).toMatchObject({ verdict: 'drop', reason: 'vip_unfit' });
  });

  for (const family of families)
    for (const make of [udp, tcp])
      it(`IPv${family}, protocol ${make().protocol}: whose checksum is not finished goes to the kernel, rewritten and unfinished`, () => {
        const { client, vip, backend } = ends[family];
        open(family, make);
        box.setFlags('out0', portFlag.VIRTUAL);
        const unfinished = { checksum: 'unfinished' as const, destinationPort: CLIENT_PORT };
        const sentBy: PacketSpec = {
          ...{ ...fromBackend, source: backend, destination: client },
          payload: make({ ...unfinished, sourcePort: BACKEND_PORT }),
        };
        const expected: PacketSpec = { ...sentBy, source: vip, payload: make({ ...unfinished, sourcePort: PORT }) };
        expect(shown(box, packet(sentBy), 'out0')).toEqual({
          verdict: 'pass',
          reason: 'unfinished_checksum',
          frame: Buffer.from(packet(expected)).toString('hex'),
        });
      });

  it('whose finished checksum only looks unfinished is translated like any other', () => {
    open(4, kinds['udp']!);
    box.setFlags('out0', portFlag.VIRTUAL);
    const of = (first: number, checksum: 'right' | 'unfinished'): Uint8Array => {
      const ports = { sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT };
      return packet(reply(4, { payload: udp({ ...ports, data: [first >> 8, first & 0xff], checksum }) }));
    };
    const field = (frame: Uint8Array): number => frame[40]! * 256 + frame[41]!;
    const first = (field(of(0, 'right')) - field(of(0, 'unfinished')) + 0xffff) % 0xffff;
    expect(of(first, 'right')).toEqual(of(first, 'unfinished'));
    expect(box.send(of(first, 'right'), 'out0').reason).toBe('nat_reply');
    expect(box.send(of(first ^ 1, 'unfinished'), 'out0').reason).toBe('unfinished_checksum');
  });

  it('passes the reverse-path check where its own source belongs, and nowhere else', () => {
    open(4, kinds['udp']!);
    for (const flag of [portFlag.RP_STRICT, portFlag.RP_LOOSE]) {
      box.setFlags('out0', flag);
      expect(box.send(packet(reply(4)), 'out0').reason).toBe('nat_reply');
    }
    box.setFlags('in0', portFlag.RP_STRICT);
    const wrong = { ...reply(4), to: hosts.in0.router, from: hosts.in0.host };
    expect(box.send(packet(wrong), 'in0')).toMatchObject({ verdict: 'drop', reason: 'reverse_path' });
  });

  it('is translated where rules have the port’s routed packets go to the kernel', () => {
    open(4, kinds['udp']!);
    box.setFlags('out0', portFlag.TO_KERNEL);
    expect(box.send(packet(reply(4)), 'out0').reason).toBe('nat_reply');
    const other = udp({ sourcePort: 22, destinationPort: CLIENT_PORT });
    expect(box.send(packet(reply(4, { payload: other })), 'out0').reason).toBe('netfilter');
  });

  it('is recognized at whatever port it arrives by', () => {
    open(6, kinds['tcp']!);
    const payload = tcp({ sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT, flags: tcpFlag.ACK });
    const frame = packet({ ...reply(6, { payload }), to: hosts.out1.router, from: hosts.out1.host });
    expect(box.send(frame, 'out1').reason).toBe('nat_reply');
  });
});

describe('one half of a beginning pushed out', () => {
  for (const direction of [0, 1])
    it(direction === 0 ? 'the client’s' : 'the backend’s', () => {
      for (const [kind, protocol] of [
        ['tcp', TCP],
        ['udp', UDP],
      ] as const) {
        box.forget();
        const { client: source, vip: destination, backend } = ends[4];
        const make = kinds[kind]!;
        const first = { source, destination, payload: make({ sourcePort: CLIENT_PORT, destinationPort: PORT }) };
        box.send(packet(first));
        for (const [key] of box.table('natOpening')) if (key.direction === direction) box.maps.natOpening!.delete(key);
        box.send(packet(first));
        const answer = make({ sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT });
        const outcome = box.send(
          packet({ ...fromBackend, source: backend, destination: source, payload: answer }),
          'out0',
        );
        expect([protocol, outcome.reason]).toEqual([protocol, 'nat_reply']);
      }
    });
});

function withHeaderChecksum(frame: Uint8Array): void {
  frame.set(u16(0), 24);
  let sum = 0;
  for (let i = 14; i < 34; i += 2) sum += (frame[i]! << 8) | frame[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  frame.set(u16(~sum & 0xffff), 24);
}
