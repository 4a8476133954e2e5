/** Mode nat: a client's packet gets the backend's address and port, the answer the VIP's; every checksum is right. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UDP } from '../balancer/box.ts';
import { forwarded, hosts, type PacketSpec, packet } from '../packets/packet.ts';
import { type Payload, tcp, tcpFlag, udp } from '../packets/transport.ts';
import {
  BACKEND_PORT,
  ends,
  type Family,
  families,
  hexOf,
  NatBox,
  PORT,
  sent,
  shown,
  sourceOf,
  sourcePortOf,
} from './box.ts';

let box: NatBox;
beforeAll(() => {
  box = new NatBox();
});
afterAll(() => box?.close());
beforeEach(() => {
  box.reset();
  box.forget();
  box.setSnat(false);
  box.setPorts(1024, 32767);
});

const fromBackend = { to: hosts.out0.router, from: hosts.out0.host };
type Ports = { sourcePort: number; destinationPort: number };
const kinds: Record<string, (ports: Ports, first?: boolean) => Payload> = {
  tcp: (ports, first) => tcp({ ...ports, flags: first ? tcpFlag.SYN : tcpFlag.ACK }),
  udp: (ports) => udp(ports),
  'udp without checksum': (ports) => udp({ ...ports, checksum: 0 }),
};

function client(family: Family, kind: string, more: PacketSpec = {}): PacketSpec {
  const { client: source, vip: destination } = ends[family];
  return { source, destination, payload: kinds[kind]!({ sourcePort: 40_000, destinationPort: PORT }, true), ...more };
}

describe('without SNAT', () => {
  for (const family of families)
    for (const kind of Object.keys(kinds)) {
      const { client: source, backend, vip } = ends[family];

      it(`IPv${family} ${kind}: there and back`, () => {
        const spec = client(family, kind, { ttl: 17, tos: 0x28 });
        const there = { ...spec, destination: backend };
        const toBackend = { sourcePort: 40_000, destinationPort: BACKEND_PORT };
        expect(shown(box, packet(spec))).toEqual(
          sent(forwarded({ ...there, payload: kinds[kind]!(toBackend, true) }, 'out0'), 'balanced'),
        );
        const reply: PacketSpec = { source: backend, destination: source, ttl: 33 };
        const fromPort = { sourcePort: BACKEND_PORT, destinationPort: 40_000 };
        const toClient = { sourcePort: PORT, destinationPort: 40_000 };
        expect(shown(box, packet({ ...fromBackend, ...reply, payload: kinds[kind]!(fromPort) }), 'out0')).toEqual(
          sent(forwarded({ ...reply, source: vip, payload: kinds[kind]!(toClient) }, 'in0'), 'nat_reply'),
        );
      });

      it(`IPv${family} ${kind}: what a backend sends of no connection is dropped, from other ports routed`, () => {
        const spec = { ...fromBackend, source: backend, destination: source };
        const stray = kinds[kind]!({ sourcePort: BACKEND_PORT, destinationPort: 40_000 });
        expect(box.send(packet({ ...spec, payload: stray }), 'out0')).toMatchObject({
          verdict: 'drop',
          reason: 'nat_no_flow',
        });
        const other = kinds[kind]!({ sourcePort: 22, destinationPort: 40_000 });
        expect(box.send(packet({ ...spec, payload: other }), 'out0').reason).toBe('forwarded');
        box.setPorts(1024, 32767, 1);
        expect(box.send(packet({ ...spec, payload: stray }), 'out0').reason).toBe('forwarded');
      });
    }

  for (const family of families)
    it(`IPv${family}: the segment size of both SYNs is lowered where the service says so`, () => {
      box.services({ mss: 1300 });
      const { client: source, backend, vip } = ends[family];
      const size = (mss: number) => ({ options: [2, 4, mss >> 8, mss & 0xff], length: 0 });
      const there = { sourcePort: 40_000, destinationPort: PORT, flags: tcpFlag.SYN };
      const syn = { source, destination: vip, payload: tcp({ ...there, ...size(1460) }) };
      const seen = tcp({ ...there, destinationPort: BACKEND_PORT, ...size(1300) });
      expect(shown(box, packet(syn))).toEqual(
        sent(forwarded({ ...syn, destination: backend, payload: seen }, 'out0'), 'balanced'),
      );
      const back = { sourcePort: BACKEND_PORT, destinationPort: 40_000 };
      const answer = (flags: number, mss: number): PacketSpec => ({
        ...{ ...fromBackend, source: backend, destination: source },
        payload: tcp({ ...back, flags, ...size(mss) }),
      });
      const expected = (flags: number, mss: number) => {
        const payload = tcp({ ...back, sourcePort: PORT, flags, ...size(mss) });
        return sent(forwarded({ source: vip, destination: source, payload }, 'in0'), 'nat_reply');
      };
      const both = tcpFlag.SYN | tcpFlag.ACK;
      expect(shown(box, packet(answer(both, 1460)), 'out0')).toEqual(expected(both, 1300));
      expect(shown(box, packet(answer(both, 1200)), 'out0')).toEqual(expected(both, 1200));
      expect(shown(box, packet(answer(tcpFlag.ACK, 1460)), 'out0')).toEqual(expected(tcpFlag.ACK, 1460));
    });

  it('a client that has one port for two VIPs of a backend is told apart by another port', () => {
    box.vip(3, '192.0.2.101');
    box.service({ number: 20, address: '192.0.2.101', port: PORT, protocol: UDP, mode: 3, ring: 4 });
    const one = client(4, 'udp');
    expect(sourcePortOf(box.send(packet(one)).frame)).toBe(40_000);
    const events = box.natEventsOf(() => {
      const other = box.send(packet({ ...one, destination: '192.0.2.101' })).frame;
      const port = sourcePortOf(other);
      expect(port).toBeGreaterThanOrEqual(1024);
      expect(port).toBeLessThanOrEqual(32767);
      const answer = udp({ sourcePort: BACKEND_PORT, destinationPort: port });
      const reply: PacketSpec = {
        ...fromBackend,
        source: ends[4].backend,
        destination: ends[4].client,
        payload: answer,
      };
      expect(shown(box, packet(reply), 'out0')).toEqual(
        sent(
          forwarded(
            { ...reply, source: '192.0.2.101', payload: udp({ sourcePort: PORT, destinationPort: 40_000 }) },
            'in0',
          ),
          'nat_reply',
        ),
      );
    });
    expect(events).toEqual({ begun: 1, port_changed: 1 });
    box.removeService(20);
  });
});

describe('with SNAT', () => {
  for (const family of families)
    for (const kind of Object.keys(kinds)) {
      const { client: source, backend, vip, own } = ends[family];
      it(`IPv${family} ${kind}: the backend sees the box, the client the VIP`, () => {
        box.setSnat(true);
        const out = box.send(packet(client(family, kind)));
        const port = sourcePortOf(out.frame);
        expect(port).toBeLessThanOrEqual(32767);
        const seen = kinds[kind]!({ sourcePort: port, destinationPort: BACKEND_PORT }, true);
        expect(Buffer.from(out.frame).toString('hex')).toBe(
          sent(forwarded({ source: own, destination: backend, payload: seen }, 'out0'), '').frame,
        );
        const reply: PacketSpec = { source: backend, destination: own };
        const answer = kinds[kind]!({ sourcePort: BACKEND_PORT, destinationPort: port });
        expect(shown(box, packet({ ...fromBackend, ...reply, payload: answer }), 'out0')).toEqual(
          sent(
            forwarded(
              {
                source: vip,
                destination: source,
                payload: kinds[kind]!({ sourcePort: PORT, destinationPort: 40_000 }),
              },
              'in0',
            ),
            'nat_reply',
          ),
        );
      });
    }

  for (const family of families)
    it(`IPv${family}: nothing begins while it is not known as whom this box would send`, () => {
      box.setSnat(true);
      const backend = { number: family, address: ends[family].backend, natPort: BACKEND_PORT };
      box.backend({ ...backend, source: '::' });
      expect(box.send(packet(client(family, 'tcp')))).toMatchObject({ verdict: 'drop', reason: 'backend_unresolved' });
      expect([box.table('natFlows'), box.table('natOpening')]).toEqual([[], []]);
      box.backend(backend);
      expect(sourceOf(box.send(packet(client(family, 'tcp'))).frame)).toBe(hexOf(ends[family].own));
    });

  it('a client keeps its port where it is one of those given out', () => {
    box.setSnat(true);
    const payload = udp({ sourcePort: 5_000, destinationPort: PORT });
    expect(sourcePortOf(box.send(packet(client(4, 'udp', { payload }))).frame)).toBe(5_000);
  });

  it('takes the addresses and ports of the pool, each port once, and counts when all are taken', () => {
    box.setSnat(true);
    const words = (text: string): number[] => [0, 0, 0xffff0000, Buffer.from(hexOf(text), 'hex').readUInt32LE()];
    const addresses = [...words('192.0.2.201'), ...words('192.0.2.202'), ...Array<number>(24).fill(0)];
    const number = box.serviceNumber(4, UDP);
    box.maps.natPools!.set(number, { count: 2, port_first: 2000, port_last: 2003, addresses });
    const seen = new Set<string>();
    let refused = 0;
    const events = box.natEventsOf(() => {
      for (let i = 0; i < 12; i++) {
        const payload = udp({ sourcePort: 40_000 + i, destinationPort: PORT });
        const { frame, reason } = box.send(packet(client(4, 'udp', { payload })));
        if (reason === 'nat_ports') refused++;
        else seen.add(`${sourceOf(frame)} ${sourcePortOf(frame)}`);
      }
    });
    expect(seen.size).toBe(8);
    expect(refused).toBe(4);
    expect(events).toEqual({ begun: 8, port_changed: 8, ports: 4 });
    box.maps.natPools!.delete(number);
  });
});

describe('a backend that is the client', () => {
  for (const family of families) {
    it(`IPv${family}: is dropped without SNAT, and served with it`, () => {
      const { backend, vip, own } = ends[family];
      const payload = udp({ sourcePort: 40_000, destinationPort: PORT });
      const spec: PacketSpec = { ...fromBackend, source: backend, destination: vip, payload };
      expect(box.send(packet(spec), 'out0')).toMatchObject({ verdict: 'drop', reason: 'nat_hairpin' });
      box.setSnat(true);
      const { frame, reason } = box.send(packet(spec), 'out0');
      expect([reason, sourceOf(frame)]).toEqual(['balanced', hexOf(own)]);
      const answer = udp({ sourcePort: BACKEND_PORT, destinationPort: sourcePortOf(frame) });
      const reply = packet({ ...fromBackend, source: backend, destination: own, payload: answer });
      const back = { source: vip, destination: backend, payload: udp({ sourcePort: PORT, destinationPort: 40_000 }) };
      expect(shown(box, reply, 'out0')).toEqual({ ...sent(forwarded(back, 'out0'), 'nat_reply'), verdict: 'tx' });
    });
  }
});
