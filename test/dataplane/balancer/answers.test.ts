/** What a balancer says itself: echo replies, resets, errors about sizes and missing services; each byte of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lbMode, lbRefusal, lbServiceFlag } from '../../../controlplane/bpf/generated/headrace.ts';
import { u16, u32 } from '../packets/bytes.ts';
import { hosts, ip, type PacketSpec, packet } from '../packets/packet.ts';
import { icmp6Message, icmpMessage, type Payload, tcp, tcpFlag, udp } from '../packets/transport.ts';
import { BalancerBox, steady, TCP, UDP } from './box.ts';

const VIP4 = '192.0.2.100';
const VIP6 = '2001:db8:1::100';
const clients = {
  4: { source: '203.0.113.9', destination: VIP4 },
  6: { source: '2001:db8:77::9', destination: VIP6 },
} as const;

let box: BalancerBox;
beforeAll(() => {
  box = new BalancerBox();
  box.backend({ number: 1, address: '10.0.2.2' });
  box.backend({ number: 2, address: 'fd00:2::2' });
  box.ring(1, [steady(1)]);
  box.ring(2, [steady(2)]);
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.setBudgets({});
  setVips({});
});

function setVips(more: { flags?: number; no_service?: number }): void {
  box.vip(1, VIP4, more);
  box.vip(2, VIP6, more);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The frame goes back where it came from, from the VIP to the client, with this payload. */
function expectAnswer(spec: PacketSpec, reason: string, payload: Payload, more: PacketSpec = {}): void {
  const outcome = box.send(packet(spec));
  const answer = packet({
    to: hosts.in0.host,
    from: hosts.in0.router,
    source: spec.destination!,
    destination: spec.source!,
    ttl: 64,
    payload,
    ...more,
  });
  const expected = hex(answer);
  const found = spec.destination!.includes(':') ? hex(outcome.frame) : withoutId(outcome.frame);
  expect({ verdict: outcome.verdict, reason: outcome.reason, frame: found }).toEqual({
    verdict: 'tx',
    reason,
    frame: spec.destination!.includes(':') ? expected : withoutId(answer),
  });
}

/** An IPv4 frame without identification, fragment flags and header checksum, which is checked apart. */
function withoutId(frame: Uint8Array): string {
  const bytes = Buffer.from(frame);
  let sum = 0;
  for (let i = 14; i < 34; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  expect(sum).toBe(0xffff);
  bytes.fill(0, 18, 22).fill(0, 24, 26);
  return bytes.toString('hex');
}

function expectDrop(spec: PacketSpec, reason: string): void {
  const { verdict, reason: why } = box.send(packet(spec));
  expect({ verdict, why }).toEqual({ verdict: 'drop', why: reason });
}

describe('echo', () => {
  const rest = [...u16(0x1234), ...u16(7), ...Array.from({ length: 32 }, (_, i) => i)];
  const requests = { 4: icmpMessage(8, 0, rest), 6: icmp6Message(128, 0, rest) };
  const replies = { 4: icmpMessage(0, 0, rest), 6: icmp6Message(129, 0, rest) };
  for (const family of [4, 6] as const) {
    it(`IPv${family} is answered when the VIP says so, and dropped otherwise`, () => {
      const spec = { ...clients[family], ttl: 9, payload: requests[family] };
      expectDrop(spec, 'vip_echo');
      setVips({ flags: lbServiceFlag.ECHO });
      expectAnswer(spec, 'vip_echo', replies[family]);
    });

    it(`IPv${family} for an address that is no VIP is the router's business`, () => {
      setVips({ flags: lbServiceFlag.ECHO });
      const destination = family === 4 ? '198.51.100.7' : '2001:db8:100::7';
      expect(box.send(packet({ ...clients[family], destination, payload: requests[family] })).reason).toBe('forwarded');
    });
  }

  it('costs the budget of answers, no more', () => {
    setVips({ flags: lbServiceFlag.ECHO });
    box.setBudgets({ answer: 0 });
    expectDrop({ ...clients[4], payload: requests[4] }, 'vip_echo');
  });
});

describe('a port without a service', () => {
  for (const family of [4, 6] as const) {
    const to = clients[family];
    it(`IPv${family} is dropped by default`, () => {
      expectDrop({ ...to, payload: tcp({ destinationPort: 81 }) }, 'no_service');
      expectDrop({ ...to, payload: udp({ destinationPort: 81 }) }, 'no_service');
    });

    it(`IPv${family} TCP is reset where wanted: by the number the client expects, or for its SYN`, () => {
      setVips({ no_service: lbRefusal.RESET });
      const answer = { sourcePort: 81, destinationPort: 40_000, length: 0, window: 0 };
      expectAnswer(
        { ...to, payload: tcp({ destinationPort: 81, sequence: 1000, acknowledged: 0xfedcba98 }) },
        'no_service',
        tcp({ ...answer, flags: tcpFlag.RST, sequence: 0xfedcba98, acknowledged: 0 }),
      );
      expectAnswer(
        { ...to, payload: tcp({ destinationPort: 81, sequence: 0xffffffff, flags: tcpFlag.SYN, length: 0 }) },
        'no_service',
        tcp({ ...answer, flags: tcpFlag.RST | tcpFlag.ACK, sequence: 0, acknowledged: 0 }),
      );
      expectAnswer(
        { ...to, payload: tcp({ destinationPort: 81, sequence: 5, flags: tcpFlag.FIN, length: 10 }) },
        'no_service',
        tcp({ ...answer, flags: tcpFlag.RST | tcpFlag.ACK, sequence: 0, acknowledged: 16 }),
      );
      expectDrop({ ...to, payload: tcp({ destinationPort: 81, flags: tcpFlag.RST }) }, 'no_service');
    });

    it(`IPv${family} UDP is port unreachable where wanted, with the start of the packet`, () => {
      setVips({ no_service: lbRefusal.ICMP });
      const spec = { ...to, payload: udp({ destinationPort: 81, length: 200 }) };
      const quoted = [0, 0, 0, 0, ...ip(spec).slice(0, family === 4 ? 28 : 48)];
      expectAnswer(spec, 'no_service', family === 4 ? icmpMessage(3, 3, quoted) : icmp6Message(1, 4, quoted));
    });
  }

  it('never answers fragments, errors or impossible sources', () => {
    setVips({ no_service: lbRefusal.ICMP });
    expectDrop({ ...clients[4], payload: udp(), fragment: { offset: 0, more: true } }, 'vip_fragment');
    expectDrop({ ...clients[4], payload: icmpMessage(3, 1, [0, 0, 0, 0]) }, 'vip_icmp');
    expectDrop({ ...clients[4], source: '127.0.0.1', payload: udp({ destinationPort: 81 }) }, 'vip_unfit');
  });
});

describe('what never goes to the kernel, which would route it on', () => {
  it('options, extension headers and headers cut short are dropped', () => {
    expectDrop({ ...clients[4], options: [7, 4, 0, 0] }, 'vip_unfit');
    expectDrop({ ...clients[6], extensions: [[60, [0, 0, 1, 4, 0, 0, 0, 0]]] }, 'vip_unfit');
  });

  it('a TTL that runs out is dropped, or answered where the VIP says so', () => {
    expectDrop({ ...clients[4], ttl: 1, payload: udp() }, 'vip_ttl');
    expectDrop({ ...clients[6], ttl: 1, payload: udp() }, 'vip_ttl');
    setVips({ flags: lbServiceFlag.TTL_ERROR });
    for (const family of [4, 6] as const) {
      const spec = { ...clients[family], ttl: 1, payload: udp({ length: 0 }) };
      const quoted = [0, 0, 0, 0, ...ip(spec)];
      expectAnswer(spec, 'vip_ttl', family === 4 ? icmpMessage(11, 0, quoted) : icmp6Message(3, 0, quoted));
    }
  });
});

describe('a packet that does not fit once encapsulated', () => {
  const cases = [
    ['ipip', lbMode.IPIP, 1, 20],
    ['ipip', lbMode.IPIP, 2, 40],
    ['gue', lbMode.GUE, 1, 28],
    ['gue', lbMode.GUE, 2, 48],
  ] as const;
  for (const [name, mode, ring, overhead] of cases)
    for (const family of [4, 6] as const)
      it(`${name} in ${ring === 1 ? 'IPv4' : 'IPv6'}, IPv${family}: answered from ${1500 - overhead + 1} bytes on`, () => {
        box.service({ number: 10, address: clients[family].destination, port: 80, protocol: UDP, mode, ring });
        const limit = 1500 - overhead;
        const header = family === 4 ? 28 : 48;
        const sized = (length: number) => ({
          ...clients[family],
          payload: udp({ destinationPort: 80, length: length - header }),
        });
        const fits = box.send(packet(sized(limit)));
        expect([fits.verdict, fits.reason, fits.frame.length]).toEqual(['redirect', 'balanced', 1514]);
        const spec = sized(limit + 1);
        const quoted = [...u32(limit), ...ip(spec).slice(0, 500)];
        expectAnswer(spec, 'vip_too_big', family === 4 ? icmpMessage(3, 4, quoted) : icmp6Message(2, 0, quoted));
        box.removeService(10);
      });

  it('is answered however many pings are: they take another budget', () => {
    box.service({ number: 10, address: VIP4, port: 80, protocol: UDP, mode: lbMode.IPIP, ring: 1 });
    setVips({ flags: lbServiceFlag.ECHO });
    box.setBudgets({ answer: 2 });
    const ping = packet({ ...clients[4], payload: icmpMessage(8, 0, [0, 0, 0, 0]) });
    const large = packet({ ...clients[4], payload: udp({ destinationPort: 80, length: 1480 }) });
    const verdicts = (frame: Uint8Array) => Array.from({ length: 3 }, () => box.send(frame).verdict);
    // Of a second that ends meanwhile one more is answered.
    for (const frame of [ping, large]) expect(verdicts(frame).slice(0, 2)).toEqual(['tx', 'tx']);
    for (const frame of [ping, large])
      expect(Array.from({ length: 3 }, () => verdicts(frame)).flat()).toContain('drop');
    box.removeService(10);
  });

  it('as it is: only beyond the MTU of the way itself', () => {
    box.service({ number: 11, address: VIP4, port: 80, protocol: TCP, mode: lbMode.L2, ring: 1 });
    const sized = (length: number) => ({ ...clients[4], payload: tcp({ length: length - 40 }) });
    expect(box.send(packet(sized(1500))).reason).toBe('balanced');
    expect(box.send(packet(sized(1501))).reason).toBe('vip_too_big');
    box.removeService(11);
  });
});

describe('no backend', () => {
  it('is dropped, reset or unreachable, as the service says', () => {
    box.ring(3, [0]);
    const spec = { ...clients[4], payload: tcp({ length: 0, acknowledged: 77 }) };
    const service = { number: 12, address: VIP4, port: 80, protocol: TCP, ring: 3 };
    box.service(service);
    expectDrop(spec, 'no_backend');
    box.service({ ...service, no_backend: lbRefusal.RESET });
    const reset = { sourcePort: 80, destinationPort: 40_000, length: 0, window: 0, flags: tcpFlag.RST };
    expectAnswer(spec, 'no_backend', tcp({ ...reset, sequence: 77, acknowledged: 0 }));
    box.service({ ...service, no_backend: lbRefusal.ICMP });
    expectAnswer(spec, 'no_backend', icmpMessage(3, 1, [0, 0, 0, 0, ...ip(spec).slice(0, 28)]));
    box.removeService(12);
  });
});
