/** sFlow datagrams: sizes, sequence numbers and what they say of discarded packets. Wireshark reads them in the lab. */
import { describe, expect, it } from 'vitest';
import type { TapRecord } from '../../../controlplane/tap/index.ts';
import { agentAddressOf, interfaceCounters, parseNetDev, SflowAgent } from '../../../monitoring/index.ts';

const plain = new Uint8Array(128).fill(7);
/** A frame of a protocol, behind VLAN tags. */
const frame = (...types: readonly number[]): Uint8Array =>
  Uint8Array.from([...plain.subarray(0, 12), ...types.flatMap((type) => [type >> 8, type & 255, 0, 5])]);

const record = (verdict: string, egress: number, reason = 'forwarded', incoming: Uint8Array = plain): TapRecord => ({
  header: {
    time: 0n,
    ingress: 3,
    egress,
    length: 1000,
    out_length: 0,
    pool: 10,
    missed: 2,
    cpu: 0,
    captured: 128,
    out_captured: 0,
    verdict: 0,
    reason: 0,
    reserved: 0,
    reserved2: 0,
  },
  verdict,
  reason,
  incoming,
  outgoing: new Uint8Array(),
});

function agent(): { readonly agent: SflowAgent; readonly sent: Buffer[] } {
  const sent: Buffer[] = [];
  const send = (datagram: Buffer): void => {
    sent.push(datagram);
  };
  return {
    sent,
    agent: new SflowAgent({ address: Uint8Array.of(192, 0, 2, 1), subAgent: 0, rate: 10, send, uptime: () => 5 }),
  };
}

describe('SflowAgent', () => {
  it('fills datagrams up to what every path carries, and numbers them', () => {
    const { agent: sflow, sent } = agent();
    for (let i = 0; i < 20; i++) sflow.flow(record('redirect', 4));
    sflow.flush();
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.every((datagram) => datagram.length <= 1400)).toBe(true);
    expect(sent.map((datagram) => datagram.readUInt32BE(16))).toEqual(sent.map((_, i) => i + 1));
    expect(sent.reduce((samples, datagram) => samples + datagram.readUInt32BE(24), 0)).toBe(20);
  });

  it('counts samples, their pool and those lost by interface, and says where a packet left', () => {
    const { agent: sflow, sent } = agent();
    sflow.flow(record('redirect', 4));
    sflow.flow(record('pass', 0));
    sflow.flow(record('drop', 0));
    sflow.flush();
    const fields = [0, 1, 2].map((i) => {
      const at = 28 + i * (8 + 32 + 8 + 16 + 128) + 8;
      return {
        sequence: sent[0]!.readUInt32BE(at),
        pool: sent[0]!.readUInt32BE(at + 12),
        drops: sent[0]!.readUInt32BE(at + 16),
        output: sent[0]!.readUInt32BE(at + 24),
      };
    });
    expect(fields).toEqual([
      { sequence: 1, pool: 10, drops: 2, output: 4 },
      { sequence: 2, pool: 20, drops: 4, output: 0 },
      { sequence: 3, pool: 30, drops: 6, output: 0x40000100 },
    ]);
  });

  it('tells the length of a frame as it was on the wire, and that its check sequence is not in the header', () => {
    const { agent: sflow, sent } = agent();
    sflow.flow(record('redirect', 4));
    sflow.flush();
    const at = 28 + 8 + 32 + 8;
    const [protocol, length, stripped, bytes] = [0, 4, 8, 12].map((offset) => sent[0]!.readUInt32BE(at + offset));
    expect({ protocol, length, stripped, bytes }).toEqual({ protocol: 1, length: 1004, stripped: 4, bytes: 128 });
  });

  const internal = 0x3fffffff;
  const discarded = 0x40000000;
  it.each<[string, string, number, number, Uint8Array?]>([
    ['redirect', 'forwarded_mirror', 4, 4],
    ['tx', 'balanced', 3, 3],
    ['pass', 'no_neighbor', 0, 0],
    // The kernel answers it, or takes it: a session of BGP with a TTL of 1 does come in so.
    ['pass', 'ttl_expired', 0, 0],
    ['pass', 'local', 0, internal],
    ['pass', 'balanced_local', 0, internal],
    ['tx', 'vip_echo', 3, internal],
    ['pass', 'other_ethertype', 0, internal, frame(0x0806)],
    ['pass', 'group_frame', 0, internal, frame(0x8100, 0x0806)],
    ['pass', 'group_frame', 0, internal, frame(0x88cc)],
    ['pass', 'other_ethertype', 0, 0, frame(0x8847)],
    ['pass', 'group_frame', 0, 0, frame(0x86dd)],
    ['pass', 'group_frame', 0, 0, plain.subarray(0, 12)],
    ['pass', 'blackhole', 0, discarded],
    ['pass', 'unreachable', 0, discarded | 1],
    ['pass', 'prohibit', 0, discarded | 13],
    ['pass', 'bad_checksum', 0, discarded | 256],
    ['drop', 'no_service', 0, discarded | 3],
    ['tx', 'no_service', 3, discarded | 3],
    ['drop', 'no_backend', 0, discarded | 1],
    ['drop', 'vip_ttl', 0, discarded | 257],
    ['tx', 'vip_too_big', 3, discarded | 262],
    ['drop', 'no_neighbor_limited', 0, discarded | 261],
    ['drop', 'vip_echo', 0, discarded | 256],
    ['aborted', 'forwarded', 0, discarded | 256],
  ])('says of %s, %s with egress %i: %i', (verdict, reason, egress, output, incoming) => {
    const { agent: sflow, sent } = agent();
    sflow.flow(record(verdict, egress, reason, incoming));
    sflow.flush();
    expect(sent[0]!.readUInt32BE(28 + 8 + 24)).toBe(output);
  });

  it('counts packets to one station apart from those to many', () => {
    const { agent: sflow, sent } = agent();
    const link = { index: 2, name: 'eth0', up: true, running: true, promiscuity: 0 } as never;
    const counters = interfaceCounters(parseNetDev('\n\neth0:100 12 3 4 0 0 0 5 600 7 8 9 0 0 0 0'), [link], () => 10n);
    sflow.counters(counters[0]!);
    sflow.flush();
    const at = 28 + 8 + 12 + 8 + 32;
    expect([sent[0]!.readUInt32BE(at), sent[0]!.readUInt32BE(at + 4)]).toEqual([7, 5]);
  });

  it('sends nothing when there is nothing', () => {
    const { agent: sflow, sent } = agent();
    sflow.flush();
    expect(sent).toEqual([]);
  });
});

describe('interfaceCounters()', () => {
  it('reads the columns of /proc/net/dev for the interfaces asked for', () => {
    const table = [
      'Inter-|   Receive  |  Transmit',
      ' face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed',
      '    lo:     0     0 0 0 0 0 0 0     0     0 0 0 0 0 0 0',
      '  eth0:100 2 3 4 0 0 0 5 600 7 8 9 0 0 0 0',
    ].join('\n');
    const link = { index: 2, name: 'eth0', up: true, running: true, promiscuity: 0 } as never;
    expect(interfaceCounters(parseNetDev(table), [link], () => 10n)).toEqual([
      {
        ifindex: 2,
        up: true,
        running: true,
        promiscuous: false,
        speedBps: 10n,
        inBytes: 100n,
        inPackets: 2n,
        inErrors: 3n,
        inDrops: 4n,
        inMulticast: 5n,
        outBytes: 600n,
        outPackets: 7n,
        outErrors: 8n,
        outDrops: 9n,
      },
    ]);
  });
});

describe('agentAddressOf()', () => {
  const links = [
    { index: 1, loopback: true },
    { index: 2, loopback: false },
  ];
  const at = (ifindex: number, bytes: readonly number[], scope = 0) => ({
    ifindex,
    family: bytes.length === 4 ? (4 as const) : (6 as const),
    bytes: Uint8Array.from(bytes),
    scope,
  });
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  const vip = at(1, [192, 0, 2, 100]);
  it.each([
    ['an address of lo is the last choice', [at(1, [127, 0, 0, 1], 254), vip, at(2, [10, 0, 0, 1])], [10, 0, 0, 1]],
    ['even where the others are of IPv6', [vip, at(2, v6)], v6],
    ['one of IPv4 comes first', [at(2, v6), at(2, [10, 0, 0, 1])], [10, 0, 0, 1]],
    [
      'lo, where nothing else is',
      [at(1, [127, 0, 0, 1], 254), vip, at(2, [0xfe, 0x80, ...v6.slice(2)], 253)],
      [192, 0, 2, 100],
    ],
    ['none', [], [0, 0, 0, 0]],
  ])('%s', (_, addresses, expected) => {
    expect([...agentAddressOf(addresses, links)]).toEqual(expected);
  });
});
