/** Packets whose flow is not in their own ports: errors, fragments, QUIC; and services found by more than one port. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  lbBackendFlag,
  lbBackendState,
  lbFragments,
  lbMode,
  lbServiceFlag,
  lbUdp,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { u16, u32 } from '../packets/bytes.ts';
import { ip, type PacketSpec, packet } from '../packets/packet.ts';
import { carries, icmp6Message, icmpMessage, type Payload, tcp, tcpFlag, udp } from '../packets/transport.ts';
import { tunneled } from '../packets/tunnel.ts';
import { BalancerBox, be16, mapped, settling, slotOfFlow, steady, TCP, UDP } from './box.ts';

const VIP4 = '192.0.2.100';
const VIP6 = '2001:db8:1::100';
const CLIENT4 = '203.0.113.9';
const CLIENT6 = '2001:db8:77::9';
const SIZE = 61;
const BACKENDS = 5;

let box: BalancerBox;
beforeAll(() => {
  box = new BalancerBox();
});
afterAll(() => box?.close());

beforeEach(() => {
  box.reset();
  box.clearFlows();
  for (let number = 1; number <= 60; number++) box.removeService(number);
  for (let i = 1; i <= BACKENDS; i++)
    box.backend({ number: i, address: `10.0.2.${i + 10}`, destination: Uint8Array.of(2, 0, 0, 0, 9, i) });
  box.setBudgets({});
  box.ring(
    1,
    Array.from({ length: SIZE }, (_, i) => steady((i % BACKENDS) + 1)),
  );
  box.vip(1, VIP4);
  box.vip(2, VIP6);
});

const ends = (family: 4 | 6) =>
  family === 4 ? { source: CLIENT4, destination: VIP4 } : { source: CLIENT6, destination: VIP6 };

function backendOf(spec: PacketSpec): number | string {
  const { reason, frame } = box.send(packet(spec));
  return reason === 'balanced' ? frame[5]! : reason;
}

const ownerOf = (family: 4 | 6, protocol: number, sourcePort: number, destinationPort: number): number =>
  (slotOfFlow({ ...ends(family), sourcePort, destinationPort, protocol }, SIZE) % BACKENDS) + 1;

describe('errors about a flow', () => {
  const services = (protocol: number) => {
    box.service({ number: 10, address: VIP4, port: 80, protocol, ring: 1 });
    box.service({ number: 11, address: VIP6, port: 80, protocol, ring: 1 });
  };
  /** What a router says about a packet that a backend sent to the client, of which it quotes `length` bytes. */
  const about = (family: 4 | 6, payload: Payload, length: number, code = 4): PacketSpec => {
    const { source, destination } = ends(family);
    const quoted = ip({ source: destination, destination: source, payload }).slice(0, length);
    const router = family === 4 ? '203.0.113.1' : '2001:db8:77::1';
    return {
      source: router,
      destination,
      payload:
        family === 4 ? icmpMessage(3, code, [...u32(1400), ...quoted]) : icmp6Message(2, 0, [...u32(1400), ...quoted]),
    };
  };

  for (const family of [4, 6] as const)
    for (const [name, protocol, make] of [
      ['TCP', TCP, tcp],
      ['UDP', UDP, udp],
    ] as const)
      it(`IPv${family} ${name}: reach the backend of the flow, with eight bytes of it`, () => {
        services(protocol);
        const header = family === 4 ? 20 : 40;
        for (let port = 2000; port < 2040; port++) {
          const owner = ownerOf(family, protocol, port, 80);
          const payload = make({ sourcePort: 80, destinationPort: port, length: 40 });
          expect(backendOf({ ...ends(family), payload: make({ sourcePort: port, destinationPort: 80 }) })).toBe(owner);
          expect(backendOf(about(family, payload, header + 8))).toBe(owner);
        }
        const short = make({ sourcePort: 80, destinationPort: 2000, length: 40 });
        expect(backendOf(about(family, short, header + 60))).toBe(ownerOf(family, protocol, 2000, 80));
        expect(backendOf(about(family, short, header + 2))).toBe('vip_icmp');
        expect(backendOf(about(family, short, header - 8))).toBe('vip_icmp');
      });

  it('follow a remembered connection, and remember nothing themselves', () => {
    services(TCP);
    box.ring(1, [settling(2, 1)], { deadline: box.now + 3_600_000_000_000n });
    const error = (port: number) => about(4, tcp({ sourcePort: 80, destinationPort: port }), 28);
    const syn = tcp({ sourcePort: 2000, destinationPort: 80, flags: tcpFlag.SYN });
    expect(backendOf({ ...ends(4), payload: syn })).toBe(2);
    expect(backendOf(error(2000))).toBe(2);
    expect(backendOf(error(2001))).toBe(1);
    expect(box.flows()).toHaveLength(1);
  });

  it('go through the tunnel like the flow itself', () => {
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 2, mode: lbMode.IPIP });
    box.ring(2, [steady(1)]);
    const spec = about(4, tcp({ sourcePort: 80, destinationPort: 2000 }), 28);
    const expected = tunneled(spec, { port: 'out0', source: '10.0.2.1', destination: '10.0.2.11' });
    expected.set([2, 0, 0, 0, 9, 1], 0);
    expect(Buffer.from(box.send(packet(spec)).frame).toString('hex')).toBe(Buffer.from(expected).toString('hex'));
  });

  it('about another address than the VIP, or another protocol, are dropped', () => {
    services(TCP);
    const foreign = ip({ source: '192.0.2.101', destination: CLIENT4, payload: tcp({ sourcePort: 80 }) }).slice(0, 28);
    const spec = (quoted: number[]) => ({ ...ends(4), payload: icmpMessage(3, 4, [...u32(1400), ...quoted]) });
    expect(backendOf(spec(foreign))).toBe('vip_icmp');
    const gre = ip({ source: VIP4, destination: CLIENT4, payload: carries(47, [0, 0, 8, 0, 0, 0, 0, 0]) });
    expect(backendOf(spec(gre))).toBe('vip_icmp');
    expect(backendOf({ ...ends(4), payload: icmpMessage(13, 0, Array<number>(16).fill(0)) })).toBe('vip_icmp');
  });
});

describe('fragments', () => {
  const fragments = (family: 4 | 6, id: number, payload: Payload) => {
    const whole = payload.build(ends(family).source, ends(family).destination);
    const part = (offset: number, end: number | undefined) => ({
      ...ends(family),
      id,
      fragment: { offset, more: end !== undefined },
      payload: carries(payload.protocol, whole.slice(offset, end)),
    });
    return [part(0, 64), part(64, 128), part(128, undefined)] as const;
  };
  const body = (port: number) => udp({ sourcePort: port, destinationPort: 80, length: 200 });

  for (const family of [4, 6] as const) {
    const address = family === 4 ? VIP4 : VIP6;
    const vip = family === 4 ? 1 : 2;

    it(`IPv${family} are dropped by default`, () => {
      box.service({ number: 10, address, port: 80, protocol: UDP, ring: 1 });
      for (const part of fragments(family, 1, body(2000))) expect(backendOf(part)).toBe('vip_fragment');
    });

    it(`IPv${family} hash3: with all other packets of the two hosts, in any order`, () => {
      box.vip(vip, address, { fragment_udp: 10 });
      box.service({ number: 10, address, port: 80, protocol: UDP, ring: 1, fragments: lbFragments.HASH3 });
      const owner = ownerOf(family, UDP, 0, 0);
      for (const part of fragments(family, 1, body(2000)).toReversed()) expect(backendOf(part)).toBe(owner);
      for (const part of fragments(family, 2, body(2001))) expect(backendOf(part)).toBe(owner);
      expect(backendOf({ ...ends(family), payload: udp({ sourcePort: 2002, destinationPort: 80 }) })).toBe(owner);
    });

    it(`IPv${family} hash3 beside others: a first fragment goes where its port does, and a tracked packet whole`, () => {
      box.vip(vip, address, { fragment_udp: 10, fragments: lbFragments.TRACK });
      box.service({ number: 10, address, port: 80, protocol: UDP, ring: 1, fragments: lbFragments.HASH3 });
      box.service({ number: 11, address, port: 81, protocol: UDP, ring: 1 });
      box.service({ number: 12, address, port: 82, protocol: UDP, ring: 1, fragments: lbFragments.TRACK });
      const parts = (port: number, id: number) =>
        fragments(family, id, udp({ sourcePort: 2000, destinationPort: port, length: 200 })).map(backendOf);
      const all = ownerOf(family, UDP, 0, 0);
      expect(parts(80, 1)).toEqual([all, all, all]);
      expect(parts(81, 2)[0]).toBe('vip_fragment');
      expect(parts(83, 3)[0]).toBe('vip_fragment');
      // Of a client whose flow is not at the backend that later fragments would go to.
      const port = Array.from({ length: 50 }, (_, i) => 3000 + i).find((p) => ownerOf(family, UDP, p, 82) !== all)!;
      const owner = ownerOf(family, UDP, port, 82);
      const tracked = fragments(family, 4, udp({ sourcePort: port, destinationPort: 82, length: 200 }));
      expect(tracked.map(backendOf)).toEqual([owner, owner, owner]);
    });

    it(`IPv${family} track of everything: packets without ports too`, () => {
      box.vip(vip, address, { ring: 1, fragments: lbFragments.TRACK });
      const payload = carries(47, [0, 0, 8, 0, ...Array<number>(196).fill(1)]);
      const owner = ownerOf(family, 47, 0, 0);
      expect(fragments(family, 1, payload).map(backendOf)).toEqual([owner, owner, owner]);
      expect(backendOf({ ...ends(family), payload })).toBe(owner);
    });

    it(`IPv${family} hash3 of everything: no fragment of the address is lost, whatever it carries`, () => {
      box.vip(vip, address, { ring: 1, fragments: lbFragments.HASH3 });
      for (const [protocol, payload] of [
        [UDP, body(2000)],
        [TCP, tcp({ sourcePort: 2000, destinationPort: 80, length: 200 })],
        [47, carries(47, [0, 0, 8, 0, ...Array<number>(196).fill(1)])],
      ] as const) {
        const owner = ownerOf(family, protocol, 0, 0);
        for (const part of fragments(family, 1, payload).toReversed()) expect(backendOf(part)).toBe(owner);
        expect(backendOf({ ...ends(family), payload })).toBe(owner);
      }
    });

    it(`IPv${family} track: to the backend of the flow, once the first has come`, () => {
      box.vip(vip, address, { fragments: lbFragments.TRACK });
      box.service({ number: 10, address, port: 80, protocol: UDP, ring: 1, fragments: lbFragments.TRACK });
      for (let port = 2000; port < 2020; port++) {
        const owner = ownerOf(family, UDP, port, 80);
        const [first, second, last] = fragments(family, port, body(port));
        expect(backendOf(last)).toBe('vip_fragment');
        expect([backendOf(first), backendOf(last), backendOf(second)]).toEqual([owner, owner, owner]);
        expect(backendOf({ ...ends(family), payload: body(port) })).toBe(owner);
      }
    });
  }
});

describe('QUIC', () => {
  const quic = (bytes: number[], port: number) => ({
    ...ends(4),
    payload: udp({ sourcePort: port, destinationPort: 443, data: bytes }),
  });
  const id = (server: number) => [0x00, ...u16(server), 0xaa, 0xbb, 0xcc, 0xdd, 0xee];
  const short = (server: number, port: number) => quic([0x41, ...id(server), ...Array<number>(24).fill(7)], port);
  const long = (server: number, port: number) =>
    quic([0xe1, ...u32(1), 8, ...id(server), 0, ...Array<number>(24).fill(7)], port);

  beforeEach(() => {
    box.service({
      ...{ number: 10, address: VIP4, port: 443, protocol: UDP, ring: 1, udp: lbUdp.QUIC },
      ...{ quic_id_offset: 1, quic_id_length: 2, quic_cid_length: 8 },
    });
    for (let i = 1; i <= BACKENDS; i++) box.maps.lbQuicIds!.set({ ring: 1, server: 0x1000 + i }, i);
  });

  it('follows the server id in the connection id, whatever the address of the client', () => {
    for (let port = 3000; port < 3010; port++)
      for (let i = 1; i <= BACKENDS; i++) {
        expect(backendOf(short(0x1000 + i, port))).toBe(i);
        expect(backendOf(long(0x1000 + i, port))).toBe(i);
      }
  });

  it('goes by the hash of the flow when the id says that it names no server, unless it has no octet to say so', () => {
    const owner = ownerOf(4, UDP, 3000, 443);
    const other = (owner % BACKENDS) + 1;
    const marked = (first: number) => [first, ...id(0x1000 + other).slice(1)];
    const rest = Array<number>(24).fill(7);
    for (const [first, expected] of [
      [0xff, owner],
      [0xe0, owner],
      [0xdf, other],
    ] as const) {
      expect(backendOf(quic([0x41, ...marked(first), ...rest], 3000))).toBe(expected);
      expect(backendOf(quic([0xe1, ...u32(1), 8, ...marked(first), 0, ...rest], 3000))).toBe(expected);
    }
    const service = { number: 10, address: VIP4, port: 443, protocol: UDP, ring: 1, udp: lbUdp.QUIC };
    box.service({ ...service, quic_id_offset: 0, quic_id_length: 2, quic_cid_length: 8 });
    box.maps.lbQuicIds!.set({ ring: 1, server: 0xff00 }, other);
    expect(backendOf(quic([0x41, 0xff, 0, ...Array<number>(30).fill(7)], 3000))).toBe(other);
  });

  it('goes by the hash of the flow when the id is nobody’s, of another length, cut short, or its backend is down', () => {
    const owner = ownerOf(4, UDP, 3000, 443);
    const other = (owner % BACKENDS) + 1;
    expect(backendOf(short(0x9999, 3000))).toBe(owner);
    expect(backendOf(quic([0xe1, ...u32(1), 4, 0, 0x10, other, 0xaa, 0, 0, 0, 0], 3000))).toBe(owner);
    expect(backendOf(quic([0x41, 0, 0x10], 3000))).toBe(owner);
    box.backend({ number: other, address: '10.0.2.40', state: 0 });
    expect(backendOf(short(0x1000 + other, 3000))).toBe(owner);
  });
});

describe('services', () => {
  const to = (port: number, payload: typeof tcp | typeof udp = tcp, destination = VIP4) => ({
    source: CLIENT4,
    destination,
    payload: payload({ sourcePort: 2000, destinationPort: port }),
  });
  const one = (number: number) => box.ring(number, [steady(number)]);
  beforeEach(() => {
    for (const number of [1, 2, 3, 4, 5]) one(number);
  });

  it('are found by port, then by range, then by protocol, then by the VIP', () => {
    box.vip(1, VIP4, { flags: lbServiceFlag.RANGES | lbServiceFlag.ANY_TCP });
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1 });
    box.service({ number: 12, address: VIP4, port: 0, protocol: TCP, ring: 3 });
    // 8000–8191, and within it 8080.
    box.service({ number: 11, address: VIP4, port: 8000, protocol: TCP, ring: 2 });
    const range = (port: number, bits: number) =>
      box.maps.lbRanges!.set(
        { prefix_length: 48 + bits, vip: Buffer.from(u32(1)).readUInt32LE(), protocol: TCP, zero: 0, port: be16(port) },
        11,
      );
    range(8000, 10); // 8000–8063
    range(8064, 9); // 8064–8191
    const found = [80, 8000, 8063, 8064, 8191, 7999, 8192].map((port) => backendOf(to(port)));
    expect(found).toEqual([1, 2, 2, 2, 2, 3, 3]);
    expect(backendOf(to(80, udp))).toBe('no_service');
    box.vip(1, VIP4, { flags: lbServiceFlag.RANGES, ring: 4 });
    expect(backendOf(to(80, udp))).toBe(4);
    expect(backendOf({ ...ends(4), payload: carries(50, [0, 0, 0, 1, 0, 0, 0, 2]) })).toBe(4);
  });

  it('of a prefix take all its addresses, but not those that are VIPs themselves', () => {
    box.vip(20, '198.51.100.64', { prefix: 96 + 28 + 1 });
    box.service({ number: 21, address: '198.51.100.64', prefix: 96 + 28 + 1, port: 80, protocol: TCP, ring: 2 });
    const address = new DataView(mapped('198.51.100.64').buffer);
    const words = [0, 4, 8, 12].map((at) => address.getUint32(at, true));
    box.maps.lbPrefixes!.set({ prefix_length: 96 + 28, address: words }, 20);
    expect(backendOf(to(80, tcp, '198.51.100.70'))).toBe('forwarded');
    box.setBudgets({ prefixes: 1 });
    expect(['198.51.100.64', '198.51.100.79', '198.51.100.80'].map((a) => backendOf(to(80, tcp, a)))).toEqual([
      2,
      2,
      'forwarded',
    ]);
    expect(backendOf(to(81, tcp, '198.51.100.70'))).toBe('no_service');
    box.vip(22, '198.51.100.70');
    expect(backendOf(to(80, tcp, '198.51.100.70'))).toBe('no_service');
    box.maps.lbPrefixes!.delete({ prefix_length: 96 + 28, address: words });
  });

  it('by client address keep a client at one backend, whatever the port', () => {
    box.ring(
      1,
      Array.from({ length: SIZE }, (_, i) => steady((i % BACKENDS) + 1)),
    );
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1, flags: lbServiceFlag.CLIENT_IP });
    box.service({ number: 11, address: VIP4, port: 443, protocol: TCP, ring: 1, flags: lbServiceFlag.CLIENT_IP });
    const seen = new Set<number | string>();
    for (let client = 1; client < 30; client++) {
      const backends = [80, 443].flatMap((port) =>
        [1000, 1001, 1002].map((sourcePort) =>
          backendOf({
            ...{ source: `203.0.113.${client}`, destination: VIP4 },
            payload: tcp({ sourcePort, destinationPort: port }),
          }),
        ),
      );
      expect(new Set(backends).size).toBe(1);
      seen.add(backends[0]!);
    }
    expect(seen.size).toBe(BACKENDS);
  });

  it('leave when they are removed, and others in the same places stay', () => {
    for (let i = 0; i < 40; i++) box.service({ number: 20 + i, address: VIP4, port: 100 + i, protocol: TCP, ring: 1 });
    for (let i = 0; i < 40; i += 2) box.removeService(20 + i);
    for (let i = 0; i < 40; i++) expect(backendOf(to(100 + i))).toBe(i % 2 ? 1 : 'no_service');
    for (let i = 0; i < 40; i++) box.removeService(20 + i);
    box.removeService(1);
    expect(backendOf(to(100))).toBe('forwarded');
  });
});

describe('the way to a backend', () => {
  const spec: PacketSpec = { ...ends(4), payload: tcp({ destinationPort: 80 }) };
  const use = (backend: Partial<Parameters<BalancerBox['backend']>[0]>, mode: number = lbMode.L2) => {
    box.ring(1, [steady(9)]);
    box.backend({ number: 9, address: '10.0.2.2', ...backend });
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1, mode });
  };
  const outcome = () => {
    const { verdict, reason } = box.send(packet(spec));
    return `${verdict} ${reason}`;
  };

  it('is asked from the kernel where the control plane knows none, or is gone', () => {
    use({ state: lbBackendState.ALIVE, ifindex: 0 });
    expect(box.eventsOf(() => expect(outcome()).toBe('redirect balanced'))).toEqual({ helper: 1 });
    use({});
    expect(box.eventsOf(() => expect(outcome()).toBe('redirect balanced'))).toEqual({});
    box.setLease(0n);
    expect(box.eventsOf(() => expect(outcome()).toBe('redirect balanced'))).toEqual({ helper: 1 });
  });

  it('is none for a neighbor that is not resolved, or, by MAC address, behind a gateway: dropped', () => {
    use({ state: lbBackendState.ALIVE, address: '10.0.2.9' });
    expect(outcome()).toBe('drop backend_unresolved');
    use({ state: lbBackendState.ALIVE, address: '172.16.0.5' });
    expect(outcome()).toBe('drop backend_unresolved');
    use({ state: lbBackendState.ALIVE, address: '172.16.0.5' }, lbMode.IPIP);
    expect(outcome()).toBe('redirect balanced');
    use({ state: lbBackendState.ALIVE, address: '192.0.2.3' }, lbMode.IPIP); // a blackhole
    expect(outcome()).toBe('drop backend_unresolved');
  });

  it('is none through a tunnel while it is not known as whom this box would send: dropped', () => {
    for (const [address, own] of [
      ['10.0.2.2', '10.0.2.1'],
      ['fd00:2::2', 'fd00:2::1'],
    ] as const)
      for (const mode of [lbMode.IPIP, lbMode.GUE]) {
        use({ state: lbBackendState.ALIVE, address, source: '::' }, mode);
        expect(outcome()).toBe('drop backend_unresolved');
        use({ state: lbBackendState.ALIVE, address, source: own }, mode);
        expect(outcome()).toBe('redirect balanced');
      }
    use({ state: lbBackendState.ALIVE, source: '::' }, lbMode.L2);
    expect(outcome()).toBe('redirect balanced');
  });

  it('is none over an interface that transmits no XDP frames: dropped', () => {
    use({ behind: 'unable' });
    expect(outcome()).toBe('drop backend_unable');
  });

  it('leads back out of the port the packet came in by', () => {
    use({ behind: 'in0' });
    expect(outcome()).toBe('tx balanced');
  });

  it('is the kernel’s for a backend on this host: as the packet came', () => {
    use({ flags: lbBackendFlag.LOCAL });
    const frame = packet(spec);
    expect(box.send(frame)).toEqual({ verdict: 'pass', reason: 'balanced_local', frame });
  });
});

describe('the segment size of a SYN', () => {
  const options = {
    'first of all': [2, 4, ...u16(1460)],
    'behind padding, across two words': [1, 2, 4, ...u16(1460), 1, 1, 0],
    'behind others': [4, 2, 8, 10, ...u32(7), ...u32(0), 2, 4, ...u16(1460)],
  };
  const mss = (list: readonly number[], value: number) => {
    const at = list.findIndex((byte, i) => byte === 2 && list[i + 1] === 4) + 2;
    return [...list.slice(0, at), ...u16(value), ...list.slice(at + 2)];
  };
  for (const [name, list] of Object.entries(options))
    it(`${name} is lowered where the service says so`, () => {
      box.ring(1, [steady(1)]);
      box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1, mss: 1400 });
      const syn = (o: readonly number[], flags: number = tcpFlag.SYN) => ({
        ...ends(4),
        payload: tcp({ destinationPort: 80, flags, options: o, length: 0 }),
      });
      const l4 = (s: PacketSpec) =>
        Buffer.from(box.send(packet(s)).frame)
          .subarray(34)
          .toString('hex');
      const right = (s: PacketSpec) => Buffer.from(packet(s)).subarray(34).toString('hex');
      expect(l4(syn(list))).toBe(right(syn(mss(list, 1400))));
      expect(l4(syn(mss(list, 1300)))).toBe(right(syn(mss(list, 1300))));
      expect(l4(syn(list, tcpFlag.ACK))).toBe(right(syn(list, tcpFlag.ACK)));
    });

  it('is left alone in options that make no sense', () => {
    box.ring(1, [steady(1)]);
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1, mss: 1400 });
    for (const list of [[3, 0, 2, 4, 5, 180, 0, 0], [5, 200, 2, 4, 5, 180, 0, 0], [2, 4, 5, 180].toReversed()]) {
      const spec = { ...ends(4), payload: tcp({ destinationPort: 80, flags: tcpFlag.SYN, options: list, length: 0 }) };
      expect(box.send(packet(spec)).frame.subarray(34)).toEqual(packet(spec).subarray(34));
    }
  });
});
