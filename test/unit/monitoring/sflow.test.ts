/** sFlow datagrams: sizes, sequence numbers and what they say of discarded packets. Wireshark reads them in the lab. */
import { describe, expect, it } from 'vitest';
import type { TapRecord } from '../../../controlplane/tap/index.ts';
import { interfaceCounters, parseNetDev, SflowAgent } from '../../../monitoring/index.ts';

const record = (verdict: string, egress: number): TapRecord => ({
  header: {
    time: 0n,
    ingress: 3,
    egress,
    length: 1000,
    out_length: 0,
    pool: 10,
    cpu: 0,
    captured: 128,
    out_captured: 0,
    verdict: 0,
    reason: 0,
    reserved: 0,
  },
  verdict,
  reason: 'forwarded',
  incoming: new Uint8Array(128).fill(7),
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

  it('counts samples and their pool by interface, and says where a packet left', () => {
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
        output: sent[0]!.readUInt32BE(at + 24),
      };
    });
    expect(fields).toEqual([
      { sequence: 1, pool: 10, output: 4 },
      { sequence: 2, pool: 20, output: 0 },
      { sequence: 3, pool: 30, output: 0x40000100 },
    ]);
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
