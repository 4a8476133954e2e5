/** The tap: what is captured and sampled, and that packets fare the same with it as without. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { lbRefusal, tapLayout } from '../../controlplane/bpf/generated/headrace.ts';
import { type BpfMap, RingBuffer } from '../../controlplane/bpf/index.ts';
import {
  type CaptureOptions,
  parseFilter,
  readTapRecord,
  type TapRecord,
  tapFilterOf,
} from '../../controlplane/tap/index.ts';
import { BalancerBox, steady, TCP } from './balancer/box.ts';
import { filler } from './packets/bytes.ts';
import { forwarded, type PacketSpec, packet } from './packets/packet.ts';
import { carries, tcp, udp } from './packets/transport.ts';
import { leaseForEver, type ReasonName, TestRouter } from './router.ts';
import { expectRow } from './table.ts';
import { Vlan } from './vlans.ts';

let router: TestRouter;
let captured: RingBuffer;
let sampled: RingBuffer;
beforeAll(() => {
  router = new TestRouter({ feature_tap: true });
  captured = new RingBuffer(router.maps.tapCaptured as BpfMap<unknown, unknown>);
  sampled = new RingBuffer(router.maps.tapSampled as BpfMap<unknown, unknown>);
});
beforeEach(() => {
  router.reset();
  read(captured);
  read(sampled);
});
afterAll(() => {
  captured?.close();
  sampled?.close();
  router?.close();
});

function read(ring: RingBuffer): TapRecord[] {
  const records: TapRecord[] = [];
  ring.drain((view) => {
    records.push(readTapRecord(view));
  });
  return records;
}

type Options = Partial<Omit<CaptureOptions, 'filter'>> & { readonly filter?: string; readonly sampleRate?: number };

function watch({ sampleRate = 0, filter = '', ...options }: Options, capturing = 1): void {
  const record = tapFilterOf({
    ifindex: 0,
    verdicts: [],
    reasons: [],
    snap: 256,
    rate: 1_000_000,
    ...options,
    filter: parseFilter(filter),
  });
  router.maps.tapFilter!.set(0, { ...record, capturing, sample_rate: sampleRate });
  router.maps.tapCountdown!.set(0, 0);
}

const web: PacketSpec = { destination: '198.51.100.7', payload: tcp({ destinationPort: 443 }) };
const plain: PacketSpec = { destination: '198.51.100.7' };
const expired: PacketSpec = { ttl: 1 };
const over6: PacketSpec = { destination: '2001:db8:100::7' };

describe('capture', () => {
  it('shows a forwarded packet as it came in and as it went out', () => {
    watch({});
    expectRow(router, plain, { out: 'out0' });
    const records = read(captured);
    expect(records).toHaveLength(1);
    const { header, verdict, reason, incoming, outgoing } = records[0]!;
    expect({ verdict, reason }).toEqual({ verdict: 'redirect', reason: 'forwarded' });
    expect(header).toMatchObject({ ingress: router.ifindex('in0'), egress: router.ifindex('out0') });
    expect(Buffer.from(incoming)).toEqual(Buffer.from(packet(plain)));
    expect(Buffer.from(outgoing)).toEqual(Buffer.from(forwarded(plain, 'out0')));
  });

  it('shows what goes to the kernel once, with its reason', () => {
    watch({});
    expectRow(router, expired, 'ttl_expired');
    const [record] = read(captured);
    expect(record).toMatchObject({ verdict: 'pass', reason: 'ttl_expired' });
    expect(record!.outgoing).toHaveLength(0);
    expect(record!.header.egress).toBe(0);
  });

  it('cuts packets at the snap length and says how long they were', () => {
    watch({ snap: 40 });
    router.run(packet({ ...plain, payload: udp({ length: 900 }) }));
    const [record] = read(captured);
    expect(record!.incoming).toHaveLength(40);
    expect(record!.header.length).toBe(14 + 20 + 8 + 900);
  });

  const all: readonly (readonly [string, PacketSpec])[] = [
    ['web', web],
    ['plain', plain],
    ['expired', expired],
    ['over6', over6],
  ];
  it.each<[string, Options, readonly string[]]>([
    ['a reason', { reasons: ['ttl_expired'] }, ['expired']],
    ['verdicts', { verdicts: ['redirect', 'tx'] }, ['web', 'plain', 'over6']],
    ['a protocol', { filter: 'tcp' }, ['web']],
    ['a port', { filter: 'port 443' }, ['web']],
    ['a source port nobody has', { filter: 'src port 443' }, []],
    ['a family', { filter: 'ip6' }, ['over6']],
    ['a host', { filter: 'host 198.51.100.7 and udp' }, ['plain', 'expired']],
    ['a destination prefix', { filter: 'dst net 2001:db8::/32' }, ['over6']],
    ['a source prefix', { filter: 'src net 10.0.1.0/24' }, ['web', 'plain', 'expired']],
    ['a host that is not there', { filter: 'host 198.51.100.8' }, []],
    ['another interface', { ifindex: 9999 }, []],
  ])('takes what has %s', (_, options, names) => {
    watch(options);
    const taken = all.flatMap(([name, spec]) => {
      router.run(packet(spec));
      return read(captured).length > 0 ? [name] : [];
    });
    expect(taken).toEqual(names);
  });

  const strange: PacketSpec = { ...web, to: '02:00:00:00:99:99' };
  it.each<[string, string, PacketSpec, string, string]>([
    ['another host', 'other_host', strange, 'host 198.51.100.7 and tcp and port 443', 'host 198.51.100.8'],
    ['a group frame', 'group_frame', { ...over6, to: '33:33:00:00:00:01' }, 'dst host 2001:db8:100::7', 'ip'],
    ['a tag nobody has', 'vlan', { ...web, tags: [7] }, 'src host 10.0.1.2 and dst port 443', 'dst port 442'],
    ['two of them', 'vlan', { ...web, tags: [[0x88a8, 7], 8] }, 'dst host 198.51.100.7 and dst port 443', 'udp'],
    ['a bad checksum', 'bad_checksum', { ...web, checksum: 1 }, 'tcp and dst port 443', 'src port 443'],
    ['a wrong length', 'malformed', { ...web, lengthField: 1000 }, 'src net 10.0.1.0/24 and port 443', 'port 444'],
    ['options', 'ip_options', { ...web, options: [1, 1, 1, 0] }, 'dst port 443', 'dst port 444'],
    [
      'a first fragment',
      'forwarded',
      { ...web, fragment: { offset: 0, more: true } },
      'dst port 443 and dst host 198.51.100.7',
      'dst port 444',
    ],
    [
      'one of IPv6',
      'forwarded',
      { destination: '2001:db8:100::7', payload: udp({ destinationPort: 53 }), fragment: { offset: 0, more: true } },
      'udp and dst port 53',
      'tcp',
    ],
  ])('looks into what parsing gave up on or left out: %s', (_, reason, spec, filter, other) => {
    watch({ filter });
    expectRow(router, spec, reason === 'forwarded' ? { out: 'out0' } : (reason as ReasonName));
    expect(read(captured)).toMatchObject([{ reason }]);
    watch({ filter: other });
    router.run(packet(spec));
    expect(read(captured)).toEqual([]);
  });

  it('finds ports in what has them only: not in a later fragment, nor in an SPI, nor in what is cut short', () => {
    const spi: PacketSpec = { payload: carries(50, [0, 80, 0, 80, ...filler(16)]) };
    const later: PacketSpec = {
      payload: carries(17, [0, 80, 0, 80, ...filler(16)]),
      fragment: { offset: 64, more: false },
    };
    const short: PacketSpec = { payload: carries(17, [0, 80]) };
    // What an earlier packet left in the place of the copy is not taken for this one's.
    watch({ filter: 'port 80' });
    router.run(packet({ payload: udp({ destinationPort: 80 }) }));
    for (const spec of [spi, later, short]) router.run(packet(spec));
    expect(read(captured)).toHaveLength(1);
    watch({ filter: 'src port 0' });
    for (const spec of [spi, later, short]) router.run(packet(spec));
    expect(read(captured)).toEqual([]);
  });

  it.each([14, 20, 40, 95, 96, 128, 200])('matches all that a filter asks for with a snap length of %i', (snap) => {
    const deep: PacketSpec = {
      ...web,
      to: '02:00:00:00:99:99',
      tags: [[0x88a8, 7], 8],
      options: Array.from({ length: 40 }, () => 1),
    };
    watch({ snap, filter: 'dst host 198.51.100.7 and dst port 443', sampleRate: 1 });
    for (const spec of [web, deep]) router.run(packet(spec));
    const frames = [web, deep].map((spec) => Buffer.from(packet(spec)));
    expect(read(captured).map(({ incoming }) => Buffer.from(incoming))).toEqual(
      frames.map((frame) => frame.subarray(0, snap)),
    );
    // A sample is as long as samples are, whatever a capture beside it wants.
    expect(read(sampled).map(({ incoming }) => Buffer.from(incoming))).toEqual(
      frames.map((frame) => frame.subarray(0, tapLayout.SAMPLE_BYTES)),
    );
  });

  it('takes what came in by a VLAN interface, by its name as by that of its port', () => {
    const v10 = new Vlan(router, { name: 'v10', number: 10, port: 'in0', tags: [[0x8100, 10]] });
    const tagged: PacketSpec = { ...plain, tags: [[0x8100, 10]] };
    const taken = (ifindex: number) => {
      watch({ ifindex });
      return [plain, tagged].map((spec) => {
        router.run(packet(spec));
        return read(captured).length;
      });
    };
    expect(taken(v10.ifindex)).toEqual([0, 1]);
    expect(taken(router.ifindex('in0'))).toEqual([1, 1]);
    expect(taken(router.ifindex('out0'))).toEqual([0, 0]);
  });

  it('says by which interface a balanced packet and an answer leave', () => {
    using box = new BalancerBox({ feature_tap: true });
    using ring = new RingBuffer(box.maps.tapCaptured as BpfMap<unknown, unknown>);
    const all = tapFilterOf({
      ifindex: 0,
      verdicts: [],
      reasons: [],
      snap: 256,
      rate: 1_000_000,
      filter: parseFilter(''),
    });
    box.maps.tapFilter!.set(0, { ...all, capturing: 1, sample_rate: 0 });
    box.vip(1, '192.0.2.100', { no_service: lbRefusal.ICMP });
    box.ring(1, [steady(1)]);
    box.backend({ number: 1, address: '10.0.2.2' });
    box.service({ number: 10, address: '192.0.2.100', port: 80, protocol: TCP, ring: 1 });
    for (const destinationPort of [80, 81])
      box.run(packet({ destination: '192.0.2.100', payload: tcp({ destinationPort }) }));
    const left = read(ring).map(({ reason, header }) => [reason, header.egress]);
    expect(left).toEqual([
      ['balanced', box.ifindex('out0')],
      ['no_service', box.ifindex('in0')],
    ]);
  });

  it('ends with the lease', () => {
    watch({});
    router.setLease(0n);
    router.run(packet(plain));
    expect(read(captured)).toEqual([]);
    router.setLease(leaseForEver);
    router.run(packet(plain));
    expect(read(captured)).toHaveLength(1);
  });

  it('keeps to its rate, and counts what is beyond', () => {
    const before = sum((state) => state.limited);
    watch({ rate: 40 });
    for (let i = 0; i < 1000; i++) router.run(packet(plain));
    const taken = read(captured).length;
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(1000);
    expect(sum((state) => state.limited) - before).toBe(1000n - BigInt(taken));
  });

  it('takes a quarter of its rate in a quarter of a second, whatever the kernel calls a jiffy', () => {
    watch({ rate: 40 });
    const taken = new Map<string, number>();
    const quarter = 250_000_000n;
    const records: TapRecord[] = [];
    const end = process.hrtime.bigint() + 4n * quarter;
    do {
      for (let i = 0; i < 200; i++) router.run(packet(plain));
      records.push(...read(captured));
    } while (process.hrtime.bigint() < end);
    for (const { header } of records) {
      const window = `${header.cpu} ${header.time / quarter}`;
      taken.set(window, (taken.get(window) ?? 0) + 1);
    }
    expect(taken.size).toBeGreaterThan(1);
    for (const count of taken.values()) expect(count).toBeLessThanOrEqual(10);
  });
});

const sum = (of: (state: { readonly limited: bigint; readonly sampled: bigint }) => bigint): bigint =>
  router.maps.tapState!.getPerCpu(0)!.reduce((total, state) => total + of(state), 0n);

describe('sampling', () => {
  it('takes about one packet in so many, and says out of how many', () => {
    watch({ sampleRate: 10 }, 0);
    const packets = 5000;
    for (let i = 0; i < packets; i++) router.run(packet(plain));
    const records = read(sampled);
    // The gaps are uniform from 1 to 19: 500 of them have a standard deviation of 5.5 · √500 = 122 packets.
    expect(records.length).toBeGreaterThan(400);
    expect(records.length).toBeLessThan(620);
    const pool = records.reduce((total, record) => total + record.header.pool, 0);
    expect(packets - pool).toBeGreaterThanOrEqual(0);
    expect(packets - pool).toBeLessThan(2 * 19 + 1);
    expect(read(captured)).toEqual([]);
  });

  it('goes on beside a capture that wants other packets', () => {
    watch({ sampleRate: 1, filter: 'ip6' });
    router.run(packet(plain));
    expect([read(sampled).length, read(captured).length]).toEqual([1, 0]);
    router.run(packet(over6));
    expect([read(sampled).length, read(captured).length]).toEqual([1, 1]);
  });
});
