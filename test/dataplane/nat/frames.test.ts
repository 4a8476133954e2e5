/** Mode nat and packets that are not well: whatever a backend's frame looks like, none leaves as half of a translation. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hosts, ip, packet } from '../packets/packet.ts';
import { icmp6Message, icmpMessage, tcp, udp } from '../packets/transport.ts';
import { BACKEND_PORT, ends, type Family, families, hexOf, NatBox, PORT, sourceOf } from './box.ts';

const CLIENT_PORT = 40_000;
let box: NatBox;
beforeAll(() => {
  box = new NatBox();
});
afterAll(() => box?.close());

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Good frames of a backend: replies, and errors about what it was sent. */
function frames(family: Family): Uint8Array[] {
  const { client, backend } = ends[family];
  const ports = { sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT };
  const macs = { to: hosts.out0.router, from: hosts.out0.host };
  const seen = { sourcePort: CLIENT_PORT, destinationPort: BACKEND_PORT };
  const quoted = [0, 0, 0, 0, ...ip({ source: client, destination: backend, payload: tcp(seen) })];
  const error = family === 4 ? icmpMessage(3, 3, quoted) : icmp6Message(1, 4, quoted);
  return [tcp(ports), udp(ports), error].map((payload) =>
    packet({ ...macs, source: backend, destination: client, payload }),
  );
}

/** Bytes written over a good frame, and perhaps an end cut off. */
const damage = fc.record({
  which: fc.nat(2),
  writes: fc.array(fc.tuple(fc.integer({ min: 12, max: 90 }), fc.nat(255)), { maxLength: 4 }),
  cut: fc.option(fc.integer({ min: 14, max: 90 })),
});

describe('a damaged frame of a backend', () => {
  for (const family of families)
    it(`IPv${family}: leaves as the VIP's, or as it came`, () => {
      const { client, vip } = ends[family];
      const good = frames(family);
      fc.assert(
        fc.property(damage, ({ which, writes, cut }) => {
          box.forget();
          const open = { sourcePort: CLIENT_PORT, destinationPort: PORT };
          for (const payload of [tcp(open), udp(open)]) box.run(packet({ source: client, destination: vip, payload }));
          const frame = Uint8Array.from(good[which]!);
          for (const [at, byte] of writes) if (at < frame.length) frame[at] = byte;
          const sent = cut === null ? frame : frame.slice(0, Math.max(14, cut));
          const { verdict, reason, frame: out } = box.send(sent, 'out0');
          if (reason === 'nat_reply') expect(sourceOf(out)).toBe(hexOf(vip));
          else if (verdict === 'pass' && hex(out) !== hex(sent)) expect(sourceOf(out)).toBe(hexOf(vip));
        }),
        { numRuns: 300 },
      );
    });
});

describe('a damaged frame for a VIP', () => {
  for (const family of families)
    it(`IPv${family}: never is the kernel's with another destination than it had`, () => {
      const { client, vip } = ends[family];
      const open = { sourcePort: CLIENT_PORT, destinationPort: PORT };
      const reply = [
        0,
        0,
        0,
        0,
        ...ip({ source: vip, destination: client, payload: tcp({ sourcePort: PORT, destinationPort: CLIENT_PORT }) }),
      ];
      const good = [tcp(open), udp(open), family === 4 ? icmpMessage(3, 4, reply) : icmp6Message(2, 0, reply)].map(
        (payload) => packet({ source: client, destination: vip, payload }),
      );
      fc.assert(
        fc.property(damage, ({ which, writes, cut }) => {
          box.forget();
          for (const payload of [tcp(open), udp(open)]) box.run(packet({ source: client, destination: vip, payload }));
          const frame = Uint8Array.from(good[which]!);
          for (const [at, byte] of writes) if (at < frame.length) frame[at] = byte;
          const sent = cut === null ? frame : frame.slice(0, Math.max(14, cut));
          const { verdict, frame: out } = box.send(sent);
          if (verdict === 'pass') expect(hex(out)).toBe(hex(sent));
        }),
        { numRuns: 300 },
      );
    });
});
