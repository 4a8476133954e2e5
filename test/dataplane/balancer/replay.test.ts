/**
 * What the packet tests of other balancers replay, and the rest of these does not have: the memory of tracked flows when
 * it is full, outer sources that carry the flow, protocols and messages no service has, and who is let alone.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type LbFlow,
  type LbFlowKey,
  lbMode,
  lbServiceFlag,
  lbUdp,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { address, checksum } from '../packets/bytes.ts';
import { forwarded, ip, type PacketSpec, packet } from '../packets/packet.ts';
import { carries, icmp6Message, icmpMessage, sctp, tcp, tcpFlag, udp } from '../packets/transport.ts';
import { BalancerBox, settling, steady, TCP, UDP } from './box.ts';

const VIP = { 4: '192.0.2.100', 6: '2001:db8:1::100' } as const;
const CLIENT = { 4: '203.0.113.9', 6: '2001:db8:77::9' } as const;
const [A, B] = [1, 2];
const noBytes = new Uint8Array(3);

let box: BalancerBox;
beforeAll(() => {
  box = new BalancerBox();
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.clearFlows();
  for (let number = 1; number <= 20; number++) box.removeService(number);
  for (const number of [A, B])
    box.backend({ number, address: `10.0.2.1${number}`, destination: Uint8Array.of(2, 0, 0, 0, 9, number) });
  box.setBudgets({});
  box.vip(1, VIP[4]);
  box.vip(2, VIP[6]);
  box.ring(1, [steady(A)]);
});

const ends = (family: 4 | 6) => ({ source: CLIENT[family], destination: VIP[family] });

function backendOf(spec: PacketSpec): number | string {
  const { reason, frame } = box.send(packet(spec));
  return reason === 'balanced' ? frame[5]! : reason;
}

describe('the memory of tracked flows', () => {
  const service = (family: 4 | 6): void =>
    box.service({ number: 10 + family, address: VIP[family], port: 53, protocol: UDP, ring: 1, udp: lbUdp.TRACKED });
  const query = (family: 4 | 6, sourcePort: number) => ({
    ...ends(family),
    payload: udp({ sourcePort, destinationPort: 53 }),
  });

  for (const family of [4, 6] as const)
    it(`IPv${family}: keeps each flow where it began, not the flows of its client`, () => {
      service(family);
      expect(backendOf(query(family, 1000))).toBe(A);
      box.ring(1, [steady(B)]);
      expect([backendOf(query(family, 1000)), backendOf(query(family, 1001))]).toEqual([A, B]);
      box.ring(1, [steady(A)]);
      expect([backendOf(query(family, 1000)), backendOf(query(family, 1001))]).toEqual([A, B]);
    });

  it('when full gives up what was not asked for longest, and takes every new flow', () => {
    using full = new BalancerBox({}, { lb_tracked: 4096 });
    for (const number of [A, B])
      full.backend({ number, address: `10.0.2.1${number}`, destination: Uint8Array.of(2, 0, 0, 0, 9, number) });
    full.vip(1, VIP[4]);
    full.service({ number: 10, address: VIP[4], port: 53, protocol: UDP, ring: 1, udp: lbUdp.TRACKED });
    const ask = (port: number): number => full.send(packet(query(4, port))).frame[5]!;
    const flow: LbFlow = { seen: full.now, ring: 1, slot: 0, backend: A, flags: 0, service: 10 };
    const room = full.maps.lbTracked!.maxEntries;
    const strangers = Array.from({ length: room + 1000 }, (_, i): [LbFlowKey, LbFlow] => [
      {
        ...{ source: [i, 0, 0, 9], destination: [0, 0, 0, 1] },
        ...{ source_port: 1, destination_port: 2, protocol: UDP },
        zero: noBytes,
      },
      flow,
    ]);
    full.maps.lbTracked!.updateBatch(strangers);
    full.ring(1, [steady(B)]);
    for (let port = 1; port <= 50; port++) expect(ask(port)).toBe(B);
    full.ring(1, [steady(A)]);
    for (let port = 1; port <= 50; port++) expect(ask(port)).toBe(B);
    expect(ask(51)).toBe(A);
  });

  it('is not asked for TCP, nor for services by hash', () => {
    box.service({ number: 11, address: VIP[4], port: 53, protocol: TCP, ring: 1, udp: lbUdp.TRACKED });
    box.service({ number: 12, address: VIP[4], port: 54, protocol: UDP, ring: 1 });
    backendOf({ ...ends(4), payload: tcp({ sourcePort: 7, destinationPort: 53 }) });
    backendOf({ ...ends(4), payload: udp({ sourcePort: 7, destinationPort: 54 }) });
    expect([...box.maps.lbTracked!.keys()]).toEqual([]);
  });
});

describe('an outer source that carries the flow', () => {
  const BITS = 8;
  const sourceOf = (backend: number, port: number): Uint8Array => {
    box.ring(1, [steady(backend)]);
    const spec = { ...ends(4), payload: tcp({ sourcePort: port, destinationPort: 80 }) };
    const { reason, frame } = box.send(packet(spec));
    expect(reason).toBe('balanced');
    if (backend === A) {
      expect(checksum([...frame.slice(14, 34)])).toBe(0);
      return frame.slice(26, 30);
    }
    return frame.slice(22, 38);
  };

  beforeEach(() => {
    box.backend({ number: B, address: 'fd00:2::12' });
    box.service({
      ...{ number: 10, address: VIP[4], port: 80, protocol: TCP, ring: 1, mode: lbMode.IPIP },
      ...{ flags: lbServiceFlag.ENTROPY, entropy_bits: BITS },
    });
  });

  for (const [family, backend, own] of [
    [4, A, '10.0.2.1'],
    [6, B, 'fd00:2::1'],
  ] as const)
    it(`IPv${family}: differs in its low bits alone, flow by flow, and always the same for a flow`, () => {
      const bytes = address(own);
      const seen = new Set<number>();
      for (let port = 1000; port < 1200; port++) {
        const source = sourceOf(backend, port);
        expect([...source.slice(0, -1)]).toEqual(bytes.slice(0, -1));
        expect([...sourceOf(backend, port)]).toEqual([...source]);
        seen.add(source.at(-1)!);
      }
      // 200 flows over 256 values: about 139 differ.
      expect(seen.size).toBeGreaterThan(100);
    });

  it('is our own address without the flag', () => {
    box.service({
      number: 10,
      address: VIP[4],
      port: 80,
      protocol: TCP,
      ring: 1,
      mode: lbMode.IPIP,
      entropy_bits: BITS,
    });
    for (let port = 1000; port < 1010; port++) expect([...sourceOf(A, port)]).toEqual([10, 0, 2, 1]);
  });
});

describe('what no service has', () => {
  for (const family of [4, 6] as const) {
    it(`IPv${family}: protocols without ports, tunnels and SCTP for a VIP go nowhere`, () => {
      box.service({ number: 10, address: VIP[family], port: 80, protocol: TCP, ring: 1 });
      const inner = ip({ ...ends(4), payload: tcp({ destinationPort: 80 }) });
      const payloads = [carries(47, [0, 0, 8, 0, ...inner]), carries(4, inner), carries(50, Array<number>(24).fill(1))];
      for (const payload of payloads) expect(backendOf({ ...ends(family), payload })).toBe('no_service');
      expect(backendOf({ ...ends(family), payload: sctp({ destinationPort: 80 }) })).toBe('no_service');
      expect(backendOf({ ...ends(family), payload: udp({ destinationPort: 80 }) })).toBe('no_service');
    });

    it(`IPv${family}: any port of TCP takes every port, and nothing of UDP`, () => {
      box.vip(family === 4 ? 1 : 2, VIP[family], { flags: lbServiceFlag.ANY_TCP });
      box.service({ number: 10, address: VIP[family], port: 0, protocol: TCP, ring: 1 });
      for (const destinationPort of [0, 1, 80, 65_535]) {
        expect(backendOf({ ...ends(family), payload: tcp({ destinationPort }) })).toBe(A);
        expect(backendOf({ ...ends(family), payload: udp({ destinationPort }) })).toBe('no_service');
      }
    });

    it(`IPv${family}: packets that only come from a VIP, or are for its neighbor, are routed as ever`, () => {
      box.service({ number: 10, address: VIP[family], port: 80, protocol: TCP, ring: 1, mode: lbMode.IPIP });
      const destination = family === 4 ? '198.51.100.7' : '2001:db8:100::7';
      const answer: PacketSpec = {
        source: VIP[family],
        destination,
        payload: tcp({ sourcePort: 80, destinationPort: 4000 }),
      };
      const { reason, frame } = box.send(packet(answer));
      expect([reason, Buffer.from(frame).toString('hex')]).toEqual([
        'forwarded',
        Buffer.from(forwarded(answer, 'out0')).toString('hex'),
      ]);
    });
  }

  it('messages of ICMP that say nothing about a flow are dropped', () => {
    box.service({ number: 10, address: VIP[4], port: 80, protocol: TCP, ring: 1 });
    const zeros = Array<number>(24).fill(0);
    for (const type of [0, 4, 5, 9, 10, 13, 14, 17])
      expect(backendOf({ ...ends(4), payload: icmpMessage(type, 0, zeros) })).toBe('vip_icmp');
    for (const type of [129, 130, 131, 143, 200])
      expect(backendOf({ ...ends(6), payload: icmp6Message(type, 0, zeros) })).toBe('vip_icmp');
    const fragment = ip({
      ...{ source: VIP[4], destination: CLIENT[4] },
      ...{ payload: tcp({ sourcePort: 80, destinationPort: 2000 }), fragment: { offset: 185, more: false } },
    }).slice(0, 28);
    expect(backendOf({ ...ends(4), payload: icmpMessage(3, 4, [0, 0, 5, 0x78, ...fragment]) })).toBe('vip_icmp');
  });
});

describe('what begins a connection', () => {
  it('is a SYN alone: with ACK, FIN or RST, or without flags, a packet belongs to what was there before', () => {
    box.service({ number: 10, address: VIP[4], port: 80, protocol: TCP, ring: 1 });
    box.ring(1, [settling(B, A)], { deadline: box.now + 3_600_000_000_000n });
    const { SYN, ACK, FIN, RST } = tcpFlag;
    const ECE_CWR = 0xc0;
    let port = 2000;
    const at = (flags: number) =>
      backendOf({ ...ends(4), payload: tcp({ sourcePort: port++, destinationPort: 80, flags }) });
    expect([SYN, SYN | ECE_CWR].map(at)).toEqual([B, B]);
    expect([SYN | ACK, SYN | FIN, SYN | RST, ACK, FIN | ACK, RST, 0].map(at)).toEqual(Array(7).fill(A));
  });
});

describe('padding behind the IP packet', () => {
  for (const mode of [lbMode.L2, lbMode.IPIP, lbMode.GUE])
    it(`is taken off before the packet goes on, mode ${mode}`, () => {
      box.service({ number: 10, address: VIP[4], port: 80, protocol: TCP, ring: 1, mode });
      const spec: PacketSpec = { ...ends(4), payload: tcp({ sourcePort: 4000, destinationPort: 80, data: [] }) };
      const plain = box.send(packet(spec));
      const padded = box.send(packet({ ...spec, trailer: 6 }));
      expect(Buffer.from(padded.frame).toString('hex')).toBe(Buffer.from(plain.frame).toString('hex'));
    });
});
