/**
 * The law of translated checksums, for any addresses, ports and payload: what leaves carries the checksums that one who
 * made the packet anew would have computed, there and back; and a checksum that was wrong stays wrong.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lbMode } from '../../../controlplane/bpf/generated/headrace.ts';
import { steady, TCP, UDP } from '../balancer/box.ts';
import { sum, u16, u32 } from '../packets/bytes.ts';
import { forwarded, hosts, type PacketSpec, packet } from '../packets/packet.ts';
import { type Payload, tcp, tcpFlag, udp } from '../packets/transport.ts';
import { type Family, families, hexOf, NatBox, sent, shown } from './box.ts';

let box: NatBox;
beforeAll(() => {
  box = new NatBox();
});
afterAll(() => box?.close());

const hexWord = fc.integer({ min: 0, max: 0xffff }).map((word) => word.toString(16));
const tail = (groups: number) =>
  fc.array(hexWord, { minLength: groups, maxLength: groups }).map((all) => all.join(':'));
/** Addresses that the routes of the bench know a way back to, and any for VIPs and backends. */
const arbitrary = {
  4: {
    client: fc.integer({ min: 2, max: 254 }).map((n) => `203.0.113.${n}`),
    other: fc
      .tuple(fc.nat(255), fc.nat(255), fc.integer({ min: 1, max: 254 }))
      .map((parts) => `100.${parts.join('.')}`),
  },
  6: {
    client: tail(5).map((rest) => `2001:db8:203:${rest}`),
    other: tail(5).map((rest) => `2001:db8:aa:${rest}`),
  },
} as const;
const port = fc.integer({ min: 1, max: 65_535 });
const ports = { client: port, vip: port, backend: port };
const extremes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc
    .constantFrom([], [0], [0, 0], [0xff, 0xff], [0xff], Array<number>(32).fill(0xff))
    .map((all) => Uint8Array.from(all)),
);

interface Case {
  readonly client: string;
  readonly vip: string;
  readonly backend: string;
  readonly ports: { readonly client: number; readonly vip: number; readonly backend: number };
  readonly data: Uint8Array;
}

const cases = (family: Family): fc.Arbitrary<Case> =>
  fc.record({
    client: arbitrary[family].client,
    vip: arbitrary[family].other,
    backend: arbitrary[family].other,
    ports: fc.record(ports),
    data: extremes,
  });

function prepare({ vip, backend, ports: { vip: vipPort, backend: backendPort } }: Case, protocol: number): void {
  box.forget();
  box.removeService(30);
  box.removeService(31);
  box.vip(31, vip);
  box.backend({ number: 30, address: backend, natPort: backendPort });
  box.ring(30, [steady(30)]);
  box.service({ number: 30, address: vip, port: vipPort, protocol, mode: lbMode.NAT, ring: 30 });
  box.source(backend, backendPort, protocol);
}

const payloads: Record<string, { protocol: number; make: (from: number, to: number, data: Uint8Array) => Payload }> = {
  tcp: {
    protocol: TCP,
    make: (from, to, data) => tcp({ sourcePort: from, destinationPort: to, data: [...data], flags: tcpFlag.ACK }),
  },
  udp: { protocol: UDP, make: (from, to, data) => udp({ sourcePort: from, destinationPort: to, data: [...data] }) },
};

describe('checksums of translated packets', () => {
  for (const family of families)
    for (const [kind, { protocol, make }] of Object.entries(payloads)) {
      it(`IPv${family} ${kind}: are those of a packet made anew, both ways`, () => {
        fc.assert(
          fc.property(cases(family), (each) => {
            fc.pre(hexOf(each.vip) !== hexOf(each.backend));
            prepare(each, protocol);
            const { client, vip, backend, data } = each;
            const there = (destination: string, to: number): PacketSpec => ({
              source: client,
              destination,
              payload: make(each.ports.client, to, data),
            });
            expect(shown(box, packet(there(vip, each.ports.vip)))).toEqual(
              sent(forwarded(there(backend, each.ports.backend), 'out0'), 'balanced'),
            );
            const back = (source: string, from: number): PacketSpec => ({
              source,
              destination: client,
              payload: make(from, each.ports.client, data),
            });
            const reply = { ...back(backend, each.ports.backend), to: hosts.out0.router, from: hosts.out0.host };
            expect(shown(box, packet(reply), 'out0')).toEqual(
              sent(forwarded(back(vip, each.ports.vip), 'small'), 'nat_reply'),
            );
          }),
          { numRuns: 150 },
        );
      });

      it(`IPv${family} ${kind}: one that was wrong is wrong by as much`, () => {
        fc.assert(
          fc.property(cases(family), fc.integer({ min: 1, max: 0xfffe }), (each, wrongBy) => {
            fc.pre(hexOf(each.vip) !== hexOf(each.backend));
            prepare(each, protocol);
            const frame = packet({
              source: each.client,
              destination: each.vip,
              payload: make(each.ports.client, each.ports.vip, each.data),
            });
            const l4 = family === 4 ? 34 : 54;
            const field = l4 + (protocol === TCP ? 16 : 6);
            const right = (frame[field]! << 8) | frame[field + 1]!;
            const wrong = (right + wrongBy) % 0xffff;
            fc.pre(wrong !== 0);
            frame.set(u16(wrong), field);
            const { frame: out } = box.run(frame);
            const length = out.length - l4;
            const addresses = [...out.slice(family === 4 ? 26 : 22, l4)];
            const total = sum([...addresses, ...u32(length), ...u32(protocol), ...out.slice(l4)]);
            expect(total % 0xffff).toBe(wrongBy % 0xffff);
          }),
          { numRuns: 100 },
        );
      });
    }
});
