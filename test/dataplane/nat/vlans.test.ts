/** Mode nat where backends or clients are behind VLAN interfaces: tags come and go while headers are rewritten. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lbFragments } from '../../../controlplane/bpf/generated/headrace.ts';
import { u32 } from '../packets/bytes.ts';
import { forwarded, hosts, ip, type PacketSpec, packet } from '../packets/packet.ts';
import { icmpMessage, tcp, udp } from '../packets/transport.ts';
import { Vlan } from '../vlans.ts';
import { BACKEND_PORT, ends, type Family, families, NatBox, PORT } from './box.ts';

const CLIENT_PORT = 40_000;
const STAG = 0x88a8;
let box: NatBox;
let vlans: Vlan[];
beforeAll(() => {
  box = new NatBox();
  vlans = [
    new Vlan(box, { name: 'v10', number: 10, port: 'out1', tags: [[0x8100, 10]] }),
    new Vlan(
      box,
      {
        name: 'q20',
        number: 20,
        port: 'out1',
        tags: [
          [STAG, 60],
          [0x8100, 20],
        ],
      },
      undefined,
    ),
  ];
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.forget();
  box.services({ fragments: lbFragments.DROP });
  // A port of a test has been reset; those of VLAN interfaces have not.
  for (const vlan of vlans) vlan.setFlags(box, 0);
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** A backend behind a VLAN interface, for the service of its family. */
function behind(vlan: Vlan, family: Family): string {
  const { number } = vlan.spec;
  const address = family === 4 ? `10.1.${number}.2` : `fd01:${number}::2`;
  const spec = { number: family, address, natPort: BACKEND_PORT, ifindex: vlan.ifindex };
  const macs = [vlan.host, vlan.mac].map((text) =>
    Uint8Array.from(text.split(':').map((byte) => Number.parseInt(byte, 16))),
  );
  box.backend({ ...spec, destination: macs[0]!, source_mac: macs[1]! });
  for (const protocol of [6, 17]) box.source(address, BACKEND_PORT, protocol);
  return address;
}

const payloads = { tcp, udp };

describe('a backend behind a VLAN interface', () => {
  for (const [index, name] of ['one tag', 'two tags'].entries())
    for (const family of families)
      for (const kind of ['tcp', 'udp'] as const) {
        it(`${name}, IPv${family} ${kind}: tags are put on behind the rewritten headers, and taken off on the way back`, () => {
          const vlan = vlans[index]!;
          const { client, vip } = ends[family];
          const address = behind(vlan, family);
          const make = payloads[kind];
          const ports = (sourcePort: number, destinationPort: number) => make({ sourcePort, destinationPort });
          const request = { source: client, destination: vip, payload: ports(CLIENT_PORT, PORT) };
          const out = box.send(packet(request));
          expect([out.reason, hex(out.frame)]).toEqual([
            'balanced',
            hex(vlan.sent({ ...request, destination: address, payload: ports(CLIENT_PORT, BACKEND_PORT) })),
          ]);
          if (index > 0) return; // the lower of two interfaces is not on this bench
          const reply: PacketSpec = {
            ...{ to: vlan.mac, from: vlan.host, tags: vlan.spec.tags },
            ...{ source: address, destination: client, payload: ports(BACKEND_PORT, CLIENT_PORT) },
          };
          const back = box.send(packet(reply), 'out1', vlan.slot);
          const { tags: _, ...plain } = reply;
          expect([back.reason, hex(back.frame)]).toEqual([
            'nat_reply',
            hex(forwarded({ ...plain, source: vip, payload: ports(PORT, CLIENT_PORT) }, 'in0')),
          ]);
        });
      }

  it('gets errors about its packets, tagged', () => {
    const vlan = vlans[0]!;
    const address = behind(vlan, 4);
    const { client, vip } = ends[4];
    box.send(
      packet({ source: client, destination: vip, payload: tcp({ sourcePort: CLIENT_PORT, destinationPort: PORT }) }),
    );
    const quote = (source: string, port: number): number[] => [
      ...u32(1400),
      ...ip({ source, destination: client, payload: tcp({ sourcePort: port, destinationPort: CLIENT_PORT }) }),
    ];
    const error = { source: '203.0.113.7', destination: vip, payload: icmpMessage(3, 4, quote(vip, PORT)) };
    const out = box.send(packet(error));
    const expected = { ...error, destination: address, payload: icmpMessage(3, 4, quote(address, BACKEND_PORT)) };
    expect([out.reason, hex(out.frame)]).toEqual(['balanced', hex(vlan.sent(expected))]);
  });
});

it('a client behind a VLAN interface gets replies tagged', () => {
  const vlan = vlans[0]!;
  const { vip, backend } = ends[4];
  box.backend({ number: 4, address: backend, natPort: BACKEND_PORT });
  const request: PacketSpec = {
    ...{ to: vlan.mac, from: vlan.host, tags: vlan.spec.tags },
    ...{ source: '10.1.10.2', destination: vip, payload: udp({ sourcePort: CLIENT_PORT, destinationPort: PORT }) },
  };
  expect(box.send(packet(request), 'out1', vlan.slot).reason).toBe('balanced');
  const reply: PacketSpec = {
    ...{ to: hosts.out0.router, from: hosts.out0.host },
    ...{ source: backend, destination: '10.1.10.2' },
    payload: udp({ sourcePort: BACKEND_PORT, destinationPort: CLIENT_PORT }),
  };
  const out = box.send(packet(reply), 'out0');
  const payload = udp({ sourcePort: PORT, destinationPort: CLIENT_PORT });
  expect([out.reason, hex(out.frame)]).toEqual(['nat_reply', hex(vlan.sent({ ...reply, source: vip, payload }))]);
});
