/** The real server's side: what a balancer wrapped is unwrapped, and nothing else is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maps } from '../../../controlplane/bpf/generated/decap.ts';
import { BpfObject, type Program } from '../../../controlplane/bpf/index.ts';
import { repository } from '../../lab/library/repository.ts';
import { forwarded, type PacketSpec, packet } from '../packets/packet.ts';
import { tcp, udp } from '../packets/transport.ts';
import { type TunnelSpec, tunneled } from '../packets/tunnel.ts';
import { mapped } from './box.ts';

const PASS = 2;
let object: BpfObject;
let program: Program;

beforeAll(() => {
  object = BpfObject.open(`${repository}/build/xdp/decap.bpf.o`);
  object.load();
  program = object.program('headrace_decap');
  using vips = object.map(maps.decapVips);
  for (const vip of ['192.0.2.100', '2001:db8:1::100']) {
    const view = new DataView(mapped(vip).buffer);
    vips.set({ address: [0, 4, 8, 12].map((at) => view.getUint32(at, true)) }, 1);
  }
});
afterAll(() => {
  program?.close();
  object?.close();
});

const clients: Record<4 | 6, PacketSpec> = {
  4: { source: '203.0.113.9', destination: '192.0.2.100', payload: tcp() },
  6: { source: '2001:db8:77::9', destination: '2001:db8:1::100', payload: tcp() },
};
const tunnels: Record<4 | 6, TunnelSpec> = {
  4: { port: 'out0', source: '10.0.2.1', destination: '10.0.2.2' },
  6: { port: 'out0', source: 'fd00:2::1', destination: 'fd00:2::2' },
};
const gue = { sourcePort: 50_000, destinationPort: 6080 };

function run(frame: Uint8Array): Uint8Array {
  const { verdict, data } = program.testRun({ data: frame });
  expect(verdict).toBe(PASS);
  return data;
}

describe('unwraps', () => {
  for (const outer of [4, 6] as const)
    for (const inner of [4, 6] as const)
      for (const [name, more] of [
        ['ipip', {}],
        ['gue', { gue }],
      ] as const)
        it(`${name}: IPv${inner} in IPv${outer}, and counts`, () => {
          using packets = object.map(maps.decapPackets);
          const count = () => packets.getPerCpu(0)!.reduce((sum, n) => sum + n, 0n);
          const before = count();
          const found = run(tunneled(clients[inner], { ...tunnels[outer], ...more }));
          expect(found).toEqual(forwarded(clients[inner], 'out0'));
          expect(count() - before).toBe(1n);
        });
});

describe('carries over what was said of congestion on the way (RFC 6040 4.2)', () => {
  const DROP = 1;
  const [NONE, ECT1, ECT0, CE] = [0, 1, 2, 3];
  /** Inside, by inside and outside; undefined: dropped. */
  const becomes = [
    [NONE, NONE, NONE, undefined],
    [ECT1, ECT1, ECT1, CE],
    [ECT0, ECT1, ECT0, CE],
    [CE, CE, CE, CE],
  ];
  const DSCP = 0x28;

  /** The outer header gets another mark on the way. */
  function marked(frame: Uint8Array, outer: 4 | 6, ecn: number): Uint8Array {
    if (outer === 6) frame[15] = (frame[15]! & 0xcf) | (ecn << 4);
    else frame[15] = (frame[15]! & 0xfc) | ecn;
    return frame;
  }

  for (const outer of [4, 6] as const)
    for (const inner of [4, 6] as const)
      for (const [name, more] of [
        ['ipip', {}],
        ['gue', { gue }],
      ] as const)
        it(`${name}: IPv${inner} in IPv${outer}, each of both, with a right checksum`, () => {
          using congested = object.map(maps.decapCongested);
          const count = () => congested.getPerCpu(0)!.reduce((sum, n) => sum + n, 0n);
          const before = count();
          becomes.forEach((row, inside) => {
            row.forEach((expected, outside) => {
              const spec = { ...clients[inner], tos: DSCP | inside };
              const frame = marked(tunneled(spec, { ...tunnels[outer], ...more }), outer, outside);
              const { verdict, data } = program.testRun({ data: frame });
              if (expected === undefined) expect(verdict).toBe(DROP);
              else expect(data).toEqual(forwarded({ ...clients[inner], tos: DSCP | expected }, 'out0'));
            });
          });
          expect(count() - before).toBe(1n);
        });
});

describe('leaves alone', () => {
  const untouched = (frame: Uint8Array) => expect(run(frame)).toEqual(frame);

  it('what is inside for an address that is no VIP', () => {
    for (const more of [{}, { gue }])
      untouched(tunneled({ ...clients[4], destination: '192.0.2.101' }, { ...tunnels[4], ...more }));
  });

  it('what is no tunnel, or another port', () => {
    untouched(packet(clients[4]));
    untouched(packet({ ...clients[4], payload: udp({ destinationPort: 6080 }) }));
    untouched(tunneled(clients[4], { ...tunnels[4], gue: { ...gue, destinationPort: 6081 } }));
  });

  it('a packet inside that is longer than the outer one says', () => {
    const frame = tunneled(clients[4], tunnels[4]);
    frame[17] = frame[17]! - 1;
    untouched(frame);
    untouched(tunneled(clients[6], tunnels[6]).subarray(0, 60));
  });
});
