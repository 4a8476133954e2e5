/**
 * What the balancer wraps, taken apart by somebody else: tshark finds the outer and the inner packet whole, with every
 * checksum right and nothing malformed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lbMode } from '../../../controlplane/bpf/generated/headrace.ts';
import { type PacketSpec, packet } from '../packets/packet.ts';
import { tcp, udp } from '../packets/transport.ts';
import { BalancerBox, TCP, UDP } from './box.ts';

const GUE_PORT = 6080;
const CLIENT_PORT = 40_000;
const clients = {
  4: { source: '203.0.113.9', destination: '192.0.2.100' },
  6: { source: '2001:db8:77::9', destination: '2001:db8:1::100' },
} as const;
const outers = {
  4: { source: '10.0.2.1', destination: '10.0.2.2' },
  6: { source: 'fd00:2::1', destination: 'fd00:2::2' },
} as const;

interface Case {
  readonly mode: 'ipip' | 'gue';
  readonly outer: 4 | 6;
  readonly inner: 4 | 6;
  readonly transport: 'tcp' | 'udp';
}
const cases: Case[] = (['ipip', 'gue'] as const).flatMap((mode) =>
  ([4, 6] as const).flatMap((outer) =>
    ([4, 6] as const).flatMap((inner) =>
      (['tcp', 'udp'] as const).map((transport) => ({ mode, outer, inner, transport })),
    ),
  ),
);

/** A layer of tshark's JSON; a layer that occurs twice is a list. */
type Layers = Readonly<Record<string, unknown>>;

/** The classic pcap format: microseconds, Ethernet. */
function pcap(frames: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(65535, 16);
  head.writeUInt32LE(1, 20);
  return Buffer.concat([
    head,
    ...frames.flatMap((frame) => {
      const record = Buffer.alloc(16);
      record.writeUInt32LE(frame.length, 8);
      record.writeUInt32LE(frame.length, 12);
      return [record, Buffer.from(frame)];
    }),
  ]);
}

/** What tshark makes of each frame. GUE version 1 is IP behind the UDP header, so that port is told to be IP. */
function dissect(
  folder: string,
  frames: readonly Uint8Array[],
): { readonly protocols: string; readonly layers: Layers }[] {
  const file = path.join(folder, 'wrapped.pcap');
  writeFileSync(file, pcap(frames));
  const check = ['ip.check_checksum', 'udp.check_checksum', 'tcp.check_checksum'].flatMap((name) => [
    '-o',
    `${name}:TRUE`,
  ]);
  const words = ['-r', file, '-d', `udp.port==${GUE_PORT},ip`, ...check, '-T', 'json', '--no-duplicate-keys'];
  const text = execFileSync('tshark', words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  });
  return (JSON.parse(text) as { _source: { layers: Record<string, Record<string, unknown>> } }[]).map(
    ({ _source }) => ({
      protocols: String(_source.layers['frame']?.['frame.protocols']),
      layers: _source.layers,
    }),
  );
}

/** Every value of a field, from outside to inside. */
function all(node: unknown, field: string): string[] {
  if (Array.isArray(node)) return node.flatMap((each) => all(each, field));
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === field ? [value].flat().map(String) : all(value, field),
  );
}

describe('tshark takes apart', () => {
  let box: BalancerBox;
  const folder = mkdtempSync(path.join(tmpdir(), 'hr-dissection-'));
  let found: { readonly protocols: string; readonly layers: Layers }[];

  const wrapped = ({ mode, outer, inner, transport }: Case, length: number): Uint8Array => {
    const number = 10;
    box.removeService(number);
    box.ring(1, [outer]);
    box.service({
      number,
      address: clients[inner].destination,
      port: 80,
      protocol: transport === 'tcp' ? TCP : UDP,
      ring: 1,
      mode: mode === 'ipip' ? lbMode.IPIP : lbMode.GUE,
    });
    const ports = { sourcePort: CLIENT_PORT, destinationPort: 80, data: Array<number>(length).fill(120) };
    const spec: PacketSpec = { ...clients[inner], tos: 0xb9, payload: transport === 'tcp' ? tcp(ports) : udp(ports) };
    const { reason, frame } = box.send(packet(spec));
    expect(reason).toBe('balanced');
    return frame;
  };

  beforeAll(() => {
    box = new BalancerBox();
    box.vip(1, clients[4].destination);
    box.vip(2, clients[6].destination);
    box.backend({ number: 4, address: outers[4].destination });
    box.backend({ number: 6, address: outers[6].destination });
    found = dissect(
      folder,
      cases.flatMap((each) => [wrapped(each, 100), wrapped(each, 101)]),
    );
  });
  afterAll(() => {
    box?.close();
    rmSync(folder, { recursive: true });
  });

  cases.forEach((each, i) => {
    const { mode, outer, inner, transport } = each;
    it(`${mode}: IPv${inner} ${transport.toUpperCase()} in IPv${outer}`, () => {
      for (const { protocols, layers } of found.slice(2 * i, 2 * i + 2)) {
        const name = { 4: 'ip', 6: 'ipv6' } as const;
        // Where a UDP port is told to be IP, tshark looks at the version and goes on to IPv6.
        const gue = inner === 6 ? ['udp', 'ip'] : ['udp'];
        const tunnel = [name[outer], ...(mode === 'gue' ? gue : []), name[inner]];
        expect(protocols).toMatch(new RegExp(`^eth:ethertype:${[...tunnel, transport].join(':')}(:data)?$`));
        const ends = (end: 'src' | 'dst') => ({
          outer: all(layers, `${name[outer]}.${end}`)[0],
          inner: all(layers, `${name[inner]}.${end}`).at(-1),
        });
        expect(ends('src')).toEqual({ outer: outers[outer].source, inner: clients[inner].source });
        expect(ends('dst')).toEqual({ outer: outers[outer].destination, inner: clients[inner].destination });
        expect(all(layers, `${transport}.srcport`).at(-1)).toBe(String(CLIENT_PORT));
        // Every checksum there is was computed: 1 is "good", 3 is "not present" (UDP over IPv4 outside).
        for (const proto of ['ip', 'tcp', 'udp'])
          for (const state of all(layers, `${proto}.checksum.status`)) expect(['1', '3']).toContain(state);
        expect(all(layers, `${transport}.checksum.status`).at(-1)).toBe('1');
        expect(all(layers, 'ip.checksum.status')).toEqual(
          [outer, inner].filter((family) => family === 4).map(() => '1'),
        );
        expect(Object.keys(layers).filter((layer) => layer.startsWith('_ws'))).toEqual([]);
      }
    });
  });
});
