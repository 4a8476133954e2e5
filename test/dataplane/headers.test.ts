/** Failure modes 1–4, 12, 13 and 15: headers, lengths, TTL, options and extension headers, padding. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filler } from './packets/bytes.ts';
import { type PacketSpec, packet } from './packets/packet.ts';
import { carries, icmp, icmp6, tcp, udp } from './packets/transport.ts';
import { TestRouter } from './router.ts';
import { expectRow, type Row, table } from './table.ts';

let router: TestRouter;
beforeAll(() => {
  router = new TestRouter();
});
afterAll(() => router?.close());

const out = { out: 'out0' } as const;
const six = (spec: PacketSpec): PacketSpec => ({ destination: '2001:db8:100::7', ...spec });

describe('TTL and hop limit', () => {
  const rows: Row[] = [0, 1].flatMap((ttl): Row[] => [
    [`TTL ${ttl}`, { ttl }, 'ttl_expired'],
    [`hop limit ${ttl}`, six({ ttl }), 'ttl_expired'],
  ]);
  for (const ttl of [2, 3, 128, 255]) rows.push([`TTL ${ttl}`, { ttl }, out], [`hop limit ${ttl}`, six({ ttl }), out]);
  table(() => router, rows);
});

describe('what a packet carries', () => {
  table(
    () => router,
    [
      ['TCP', { payload: tcp() }, out],
      ['ICMP', { payload: icmp() }, out],
      ['GRE', { payload: carries(47, filler(40)) }, out],
      ['an unknown protocol', { payload: carries(251, filler(1)) }, out],
      ['nothing', { payload: carries(6, []) }, out],
      ['UDP too short for ports', { payload: carries(17, [1, 2, 3]) }, out],
      ['TOS and ECN', { tos: 0xb9 }, out],
      ['TCP over IPv6', six({ payload: tcp() }), out],
      ['ICMPv6', six({ payload: icmp6() }), out],
      ['no next header', six({ payload: carries(59, []) }), out],
      ['AH', six({ payload: carries(51, filler(24)) }), out],
      ['traffic class and flow label', six({ tos: 0x2e, flowLabel: 0xabcde }), out],
    ],
  );
});

describe('IPv4 header', () => {
  table(
    () => router,
    [
      ['version 5', { version: 5 }, 'malformed'],
      ['version 6', { version: 6 }, 'malformed'],
      ['header length 4 words', { ihl: 4 }, 'malformed'],
      ['header length 0', { ihl: 0 }, 'malformed'],
      ['total length below the header', { lengthField: 19 }, 'malformed'],
      ['total length 0', { lengthField: 0 }, 'malformed'],
      ['total length one byte beyond the frame', { lengthField: 47 }, 'malformed'],
      ['total length far beyond the frame', { lengthField: 1000 }, 'malformed'],
      ['no operation option', { options: [1, 1, 1, 0] }, 'ip_options'],
      ['router alert', { options: [148, 4, 0, 0] }, 'ip_options'],
      ['record route', { options: [7, 7, 4, 0, 0, 0, 0, 0] }, 'ip_options'],
      ['source route', { options: [131, 7, 4, 10, 0, 2, 2, 0] }, 'ip_options'],
    ],
  );
});

describe('IPv6 header', () => {
  const pad = [0, 0, 1, 4, 0, 0, 0, 0];
  table(
    () => router,
    [
      ['version 4', six({ version: 4 }), 'malformed'],
      ['payload length one byte beyond the frame', six({ lengthField: 27 }), 'malformed'],
      ['jumbo: payload length 0 with hop-by-hop', six({ extensions: [[0, pad]], lengthField: 0 }), 'extension_header'],
      ['hop-by-hop', six({ extensions: [[0, pad]] }), 'extension_header'],
      ['router alert', six({ extensions: [[0, [0, 0, 5, 2, 0, 0, 1, 0]]] }), 'extension_header'],
      ['routing header', six({ extensions: [[43, [0, 0, 4, 0, 0, 0, 0, 0]]] }), 'extension_header'],
      ['destination options', six({ extensions: [[60, pad]] }), 'extension_header'],
      ['mobility header', six({ extensions: [[135, pad]] }), 'extension_header'],
      ['fragment', six({ fragment: { offset: 0, more: true } }), out],
      ['later fragment', six({ fragment: { offset: 1232, more: false } }), out],
      ['atomic fragment', six({ fragment: { offset: 0, more: false } }), out],
      ['fragment header that is not all there', six({ payload: carries(44, [17, 0, 0, 0]) }), 'malformed'],
    ],
  );
});

describe('truncated frames', () => {
  for (const [family, spec, header] of [
    ['IPv4', {}, 34],
    ['IPv6', six({}), 54],
  ] as const)
    it(`${family} headers cut anywhere go to the kernel`, () => {
      for (let length = 15; length < packet(spec).length; length++) {
        const frame = packet(spec).slice(0, length);
        const outcome = router.send(frame);
        expect(outcome.verdict).toBe('pass');
        expect(outcome.reason).toBe(length < header ? 'truncated' : 'malformed');
        expect(outcome.frame).toEqual(frame);
      }
    });
});

describe('padding', () => {
  it('is cut off, however long', () => {
    for (const trailer of [1, 2, 6, 17, 18, 200, 1400])
      for (const spec of [{ trailer }, six({ trailer })]) expectRow(router, spec, out);
  });
  table(
    () => router,
    [
      ['shortest IPv4 packet in the shortest frame', { payload: carries(6, []), trailer: 26 }, out],
      ['payload length 0 without hop-by-hop', six({ payload: carries(59, []), trailer: 20 }), out],
      [
        'a frame that fits the small MTU only without it',
        { destination: '203.0.113.7', trailer: 1400 },
        { out: 'small' },
      ],
      ['a packet the kernel is to answer', { ttl: 1, trailer: 18 }, 'ttl_expired'],
      ['a packet whose egress is unable', { destination: '198.18.1.1', trailer: 18 }, 'egress_unable'],
      ['UDP shorter than its IP packet', { payload: udp({ length: 40 }), trailer: 3 }, out],
    ],
  );
});
