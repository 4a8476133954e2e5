/** Packets for a VIP on ports where the kernel must have what is routed, and by VLAN interfaces. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  lbBackendFlag,
  lbBackendState,
  lbRefusal,
  lbUdp,
  portFlag,
} from '../../../controlplane/bpf/generated/headrace.ts';
import { type PacketSpec, type PortName, packet } from '../packets/packet.ts';
import { icmp6Message, tcp, tcpFlag, udp } from '../packets/transport.ts';
import { Vlan } from '../vlans.ts';
import { BalancerBox, steady, TCP, UDP } from './box.ts';

const VIP4 = '192.0.2.100';
const VIP6 = '2001:db8:1::100';
const web: PacketSpec = { source: '203.0.113.9', destination: VIP4, payload: tcp({ destinationPort: 80 }) };
const web6: PacketSpec = { source: '2001:db8:77::9', destination: VIP6, payload: tcp({ destinationPort: 80 }) };

let box: BalancerBox;
let v10: Vlan;
beforeAll(() => {
  box = new BalancerBox();
  v10 = new Vlan(box, { name: 'v10', number: 10, port: 'in0', tags: [[0x8100, 10]] });
});
afterAll(() => box?.close());

beforeEach(() => {
  box.reset();
  for (let number = 1; number <= 20; number++) box.removeService(number);
  box.setBudgets({});
  box.ring(1, [steady(1)]);
  box.backend({ number: 1, address: '10.0.2.2' });
  box.vip(1, VIP4);
  box.vip(2, VIP6);
  box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1 });
  box.service({ number: 11, address: VIP6, port: 80, protocol: TCP, ring: 1 });
});

const outcome = (spec: PacketSpec, port: PortName = 'in0', slot?: number) => {
  const { verdict, reason } = box.send(packet(spec), port, slot);
  return `${verdict} ${reason}`;
};

describe('rules on the way out', () => {
  it('leave what is routed to the kernel, and what is balanced to us', () => {
    box.maps.txPorts.delete(box.ifindex('out0'));
    expect(outcome({ destination: '198.51.100.7' })).toBe('pass egress_unable');
    expect(outcome(web)).toBe('redirect balanced');
    box.maps.ablePorts.delete(box.ifindex('out0'));
    expect(outcome(web)).toBe('drop backend_unable');
  });

  it('the same back out of the port a packet came in by, and for answers', () => {
    box.setFlags('in0', 0, portFlag.TRANSMITS);
    box.backend({ number: 1, address: '10.0.1.2', behind: 'in0' });
    expect(outcome({ destination: '198.18.2.7' })).toBe('pass egress_unable');
    expect(outcome(web)).toBe('tx balanced');
    box.vip(1, VIP4, { no_service: lbRefusal.ICMP });
    const closed = { ...web, payload: tcp({ destinationPort: 81 }) };
    expect(outcome(closed)).toBe('tx no_service');
    box.setFlags('in0', 0, portFlag.TRANSMITS | portFlag.ABLE);
    expect(outcome(web)).toBe('drop backend_unable');
    expect(outcome(closed)).toBe('drop no_service');
  });

  it('the same by a VLAN interface', () => {
    const ruled = (balanced_only: number) =>
      box.setVlanEgress(v10.ifindex, {
        ...{ port: box.ifindex('out0'), frame_max: 1518, balanced_only },
        ...{ outer: { protocol: 0x0081, tci: 0x0a00 }, inner: { protocol: 0, tci: 0 } },
      });
    box.backend({ number: 1, address: '10.1.10.2', ifindex: v10.ifindex });
    ruled(0);
    expect([outcome({ destination: '10.1.10.2' }), outcome(web)]).toEqual(['redirect forwarded', 'redirect balanced']);
    ruled(1);
    expect([outcome({ destination: '10.1.10.2' }), outcome(web)]).toEqual(['pass egress_unable', 'redirect balanced']);
  });
});

describe('rules on the way in, or tags that hide', () => {
  for (const [name, flag] of [
    ['rules', portFlag.TO_KERNEL],
    ['hidden tags', portFlag.TAGS_HIDDEN],
  ] as const)
    it(`${name} change nothing for a VIP, and hide nothing that is wrong with its packets`, () => {
      const wrong: readonly PacketSpec[] = [
        { ...web, ttl: 1 },
        { ...web, ttl: 0 },
        { ...web6, ttl: 0 },
        { ...web, options: [1, 1, 1, 0] },
        { ...web, source: '127.0.0.1' },
        { ...web6, source: 'fe80::9' },
      ];
      const expected = wrong.map((spec) => outcome(spec));
      expect(expected).toEqual([
        ...['drop vip_ttl', 'drop vip_ttl', 'drop vip_ttl', 'drop vip_unfit', 'drop vip_unfit', 'drop vip_unfit'],
      ]);
      box.setFlags('in0', flag);
      expect(outcome(web)).toBe('redirect balanced');
      expect(wrong.map((spec) => outcome(spec))).toEqual(expected);
    });

  it('checksums that are not finished are no less so there', () => {
    const unfinished = { ...web, payload: tcp({ destinationPort: 80, checksum: 'unfinished' }) };
    box.setFlags('in0', portFlag.VIRTUAL | portFlag.TO_KERNEL);
    expect(outcome(unfinished)).toBe('drop vip_unfit');
  });

  // A finished checksum may happen to be the bare sum of the pseudo-header. Data that make it so, of any length.
  for (const length of [2, 3, 44, 45, 500, 1400])
    for (const [name, base] of [
      ['IPv4', web],
      ['IPv6', web6],
    ] as const)
      it(`a finished checksum that only looks unfinished is told from one (${name}, ${length} bytes)`, () => {
        box.setFlags('in0', portFlag.VIRTUAL);
        const of = (first: number, checksum: 'right' | 'unfinished'): PacketSpec => {
          const data = [first >> 8, first & 0xff, ...Array<number>(length - 2).fill(7)];
          return { ...base, payload: tcp({ destinationPort: 80, data, checksum }) };
        };
        const field = (spec: PacketSpec): number => {
          const at = (name === 'IPv4' ? 34 : 54) + 16;
          const frame = packet(spec);
          return frame[at]! * 256 + frame[at + 1]!;
        };
        const first = (field(of(0, 'right')) - field(of(0, 'unfinished')) + 0xffff) % 0xffff;
        expect(field(of(first, 'right'))).toBe(field(of(first, 'unfinished')));
        expect(outcome(of(first, 'right'))).toBe('redirect balanced');
        for (const other of [first + 1, first ^ 0x8000])
          expect(outcome(of(other % 0x10000, 'unfinished'))).toBe('drop vip_unfit');
      });

  it('what never reaches IP here is never touched', () => {
    box.setFlags('in0', portFlag.ENSLAVED | portFlag.TO_KERNEL);
    expect(outcome(web)).toBe('pass enslaved');
    expect(outcome({ ...web, ttl: 1 })).toBe('pass enslaved');
  });
});

describe('neighbor discovery for a VIP', () => {
  const solicitation = (source: string, type = 135): PacketSpec => ({
    ...{ source, destination: VIP6, ttl: 255 },
    payload: icmp6Message(type, 0, Array<number>(20).fill(0)),
  });

  it('is the kernel’s, from a link-local address as from any other', () => {
    expect(outcome(solicitation('2001:db8:77::9'))).toBe('pass local');
    for (const type of [133, 135, 136]) expect(outcome(solicitation('fe80::9', type))).toBe('pass local');
  });

  it('nothing else from a link-local address is', () => {
    expect(outcome(solicitation('fe80::9', 128))).toBe('drop vip_unfit');
    expect(outcome({ ...web6, source: 'fe80::9' })).toBe('drop vip_unfit');
  });
});

describe('the way to a backend that the kernel is asked for', () => {
  it('is that of packets from the VLAN interface they came by', () => {
    box.ip(`
      route add blackhole 10.0.2.2/32 table 77
      rule add iif v10 lookup 77 pref 100`);
    box.backend({ number: 1, address: '10.0.2.2', state: lbBackendState.ALIVE, ifindex: 0 });
    try {
      expect(outcome(web)).toBe('redirect balanced');
      expect(outcome({ ...web, tags: [[0x8100, 10]] }, 'in0', v10.slot)).toBe('drop backend_unresolved');
    } finally {
      box.ip('rule del iif v10 lookup 77 pref 100');
    }
  });
});

describe('a SYN whose segment size is lowered', () => {
  it('is as it arrived for a backend on this host, and where it has no way', () => {
    box.service({ number: 10, address: VIP4, port: 80, protocol: TCP, ring: 1, mss: 1000 });
    const syn = {
      ...web,
      payload: tcp({ destinationPort: 80, flags: tcpFlag.SYN, options: [2, 4, 5, 180], length: 0 }),
    };
    const frame = packet(syn);
    box.backend({ number: 1, address: '10.0.2.2', flags: lbBackendFlag.LOCAL });
    expect(box.send(frame)).toEqual({ verdict: 'pass', reason: 'balanced_local', frame });
    box.backend({ number: 1, address: '10.0.2.2', behind: 'unable' });
    expect(box.send(frame)).toEqual({ verdict: 'drop', reason: 'backend_unable', frame });
    box.backend({ number: 1, address: '10.0.2.2' });
    expect(Buffer.from(box.send(frame).frame.subarray(54, 58)).toString('hex')).toBe('020403e8');
  });
});

describe('a flow that another CPU has seen a moment later than this one’s clock', () => {
  it('is the flow it was', () => {
    box.ring(2, [steady(2)]);
    box.backend({ number: 2, address: '10.0.2.3' });
    box.service({ number: 12, address: VIP4, port: 53, protocol: UDP, ring: 1, udp: lbUdp.TRACKED });
    const spec = { ...web, payload: udp({ destinationPort: 53 }) };
    expect(outcome(spec)).toBe('redirect balanced');
    const [key, flow] = [...box.maps.lbTracked!.entries()][0]!;
    expect(flow.backend).toBe(1);
    box.maps.lbTracked!.set(key, { ...flow, seen: box.now + 60_000_000_000n });
    box.service({ number: 12, address: VIP4, port: 53, protocol: UDP, ring: 2, udp: lbUdp.TRACKED });
    expect(outcome(spec)).toBe('redirect balanced');
    expect([...box.maps.lbTracked!.entries()].map(([, { backend }]) => backend)).toEqual([1]);
    box.clearFlows();
  });
});
