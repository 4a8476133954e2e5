/** Failure modes 5 and 21: every packet takes the leg that the kernel would send it by; fragments follow each other. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { u16, u32 } from './packets/bytes.ts';
import { forwarded, type PacketSpec, packet } from './packets/packet.ts';
import { carries, icmp, type Payload, sctp, tcp, udp } from './packets/transport.ts';
import { TestRouter } from './router.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterAll(() => router?.close());

type Leg = 'out0' | 'out1';

function legOf(spec: PacketSpec): Leg {
  const outcome = router.send(packet(spec));
  expect(outcome.verdict).toBe('redirect');
  for (const leg of ['out0', 'out1'] as const)
    if (Buffer.compare(outcome.frame, forwarded(spec, leg)) === 0) return leg;
  throw new Error('follow a packet: it leaves by neither leg');
}

/** The legs that the kernel's own routing names for the same flows. */
function kernelLegs(queries: readonly string[]): Leg[] {
  const answer = router.ip(queries.map((query) => `route get ${query}`).join('\n'));
  return [...answer.matchAll(/ dev (out[01]) /g)].map((match) => match[1] as Leg);
}

const families = [
  ['IPv4', '198.18.0.1', '10.0.1.2'],
  ['IPv6', '2001:db8:ec::1', 'fd00:1::2'],
] as const;
const flows = 48;

for (const [family, destination, source] of families)
  describe(`${family} multipath`, () => {
    for (const [name, make] of [
      ['tcp', tcp],
      ['udp', udp],
    ] as const)
      it(`takes the kernel's leg for every ${name} flow`, () => {
        const ports = Array.from({ length: flows }, (_, i) => 1024 + i * 37);
        const ours = ports.map((port) =>
          legOf({ source, destination, payload: make({ sourcePort: port, destinationPort: 443 }) }),
        );
        const theirs = kernelLegs(
          ports.map((port) => `${destination} from ${source} iif in0 ipproto ${name} sport ${port} dport 443`),
        );
        expect(ours).toEqual(theirs);
        expect(new Set(ours).size).toBe(2);
      });

    it('takes one leg for all fragments of a flow, the first one too', () => {
      for (let port = 1; port <= 16; port++) {
        const first = { offset: 0, more: true };
        const legs = [
          legOf({ source, destination, fragment: first, payload: udp({ sourcePort: port, length: 24 }) }),
          legOf({ source, destination, fragment: { offset: 32, more: true }, payload: carries(17, u32(port)) }),
          legOf({ source, destination, fragment: { offset: 64, more: false }, payload: carries(17, [1, port]) }),
        ];
        expect(new Set(legs).size).toBe(1);
      }
    });

    it('takes the same leg for any ICMP of two hosts', () => {
      const legs = [1, 2, 30, 100].map((length) => legOf({ source, destination, payload: icmp(length) }));
      expect(new Set(legs).size).toBe(1);
    });

    it('tells flows of SCTP, ESP and AH apart, whose ports or SPI the kernel hashes too', () => {
      const legs = (protocol: number, make: (spi: number) => number[]): Leg[] =>
        Array.from({ length: 24 }, (_, i) => {
          const payload: Payload = carries(protocol, make(0x1000_0000 + i * 0x10001));
          return legOf({ source, destination, payload });
        });
      const esp = legs(50, (spi) => [...u32(spi), ...u32(1), 0, 0, 0, 0]);
      const ah = legs(51, (spi) => [59, 4, ...u16(0), ...u32(spi), ...u32(1)]);
      const ports = Array.from({ length: 24 }, (_, i) => sctp({ sourcePort: 1000 + i }));
      expect(new Set(ports.map((payload) => legOf({ source, destination, payload }))).size).toBe(2);
      expect(new Set(esp).size).toBe(2);
      expect(new Set(ah).size).toBe(2);
    });
  });
