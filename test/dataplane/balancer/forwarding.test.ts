/** Each mode and family: a packet of a client in, exactly the packet for the backend out. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { flowHash } from '../../../controlplane/balancer/packet-path/index.ts';
import { lbMode } from '../../../controlplane/bpf/generated/headrace.ts';
import { forwarded, type PacketSpec, packet } from '../packets/packet.ts';
import { tcp, udp } from '../packets/transport.ts';
import { tunneled } from '../packets/tunnel.ts';
import { BalancerBox, mapped, TCP, UDP } from './box.ts';

const VIP4 = '192.0.2.100';
const VIP6 = '2001:db8:1::100';
const BACKEND4 = '10.0.2.2';
const BACKEND6 = 'fd00:2::2';

let box: BalancerBox;
beforeAll(() => {
  box = new BalancerBox();
  box.vip(1, VIP4);
  box.vip(2, VIP6);
  box.ring(1, [1, 1, 1, 1, 1, 1, 1]);
  box.ring(2, [2, 2, 2, 2, 2, 2, 2]);
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  for (const number of [10, 11, 12]) box.removeService(number);
  box.backend({ number: 1, address: BACKEND4 });
  box.backend({ number: 2, address: BACKEND6 });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function expectFrame(spec: PacketSpec, expected: Uint8Array, reason = 'balanced', verdict = 'redirect'): void {
  const outcome = box.send(packet(spec));
  expect({ ...outcome, frame: hex(outcome.frame) }).toEqual({ verdict, reason, frame: hex(expected) });
}

const clients = {
  4: { source: '203.0.113.9', destination: VIP4 },
  6: { source: '2001:db8:77::9', destination: VIP6 },
} as const;
const hashOf = (family: 4 | 6, protocol: number, ports: [number, number], seed = 0): bigint =>
  flowHash(
    {
      source: mapped(clients[family].source),
      destination: mapped(clients[family].destination),
      sourcePort: ports[0],
      destinationPort: ports[1],
      protocol,
    },
    seed,
  );

const payloads = {
  tcp: () => tcp({ sourcePort: 40_000, destinationPort: 80 }),
  udp: () => udp({ sourcePort: 40_000, destinationPort: 80 }),
  'udp without checksum': () => udp({ sourcePort: 40_000, destinationPort: 80, checksum: 0 }),
};

describe('l2', () => {
  for (const family of [4, 6] as const)
    for (const [name, payload] of Object.entries(payloads))
      it(`IPv${family} ${name}: the packet as it is, to the backend's MAC`, () => {
        const protocol = name === 'tcp' ? TCP : UDP;
        const number = protocol === TCP ? 10 : 11;
        box.service({ number, address: clients[family].destination, port: 80, protocol, ring: family === 4 ? 1 : 2 });
        const spec = { ...clients[family], payload: payload() };
        expectFrame(spec, forwarded(spec, 'out0'));
      });
});

describe('tunnels', () => {
  const modes = { ipip: lbMode.IPIP, gue: lbMode.GUE } as const;
  for (const [mode, number] of Object.entries(modes) as ['ipip' | 'gue', number][])
    for (const outer of [4, 6] as const)
      for (const family of [4, 6] as const)
        for (const [name, payload] of Object.entries(payloads))
          it(`${mode}: IPv${family} ${name} in IPv${outer}`, () => {
            const protocol = name === 'tcp' ? TCP : UDP;
            const backend = outer === 4 ? 1 : 2;
            box.ring(3, [backend]);
            box.service({ number: 12, ...key(family, protocol), ring: 3, mode: number, seed: 77 });
            const spec = { ...clients[family], tos: 0x2a, payload: payload() };
            const hash = hashOf(family, protocol, [40_000, 80], 77);
            expectFrame(
              spec,
              tunneled(spec, {
                port: 'out0',
                source: outer === 4 ? '10.0.2.1' : 'fd00:2::1',
                destination: outer === 4 ? BACKEND4 : BACKEND6,
                flowLabel: outer === 6 ? Number(hash & 0xfffffn) : 0,
                ...(mode === 'gue'
                  ? { gue: { sourcePort: 0xc000 | Number(hash & 0x3fffn), destinationPort: 6080 } }
                  : {}),
              }),
            );
          });

  const key = (family: 4 | 6, protocol: number) => ({
    address: clients[family].destination,
    port: 80,
    protocol,
  });
});
