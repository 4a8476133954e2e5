import { describe, expect, it } from 'vitest';
import type { CounterRow, PathRow } from '../../../../controlplane/dataplane/index.ts';
import type { PortState } from '../../../../controlplane/ports/index.ts';
import { LiveSampler } from '../../../../monitoring/live/index.ts';
import { parseDeviceCounts } from '../../../../monitoring/live/net-dev.ts';
import { counterRates } from '../../../../monitoring/live/rates.ts';

const row = (name: string, verdict: string, reason: string, packets: number, bytes = packets * 100): CounterRow => ({
  interface: name,
  verdict,
  reason,
  packets: BigInt(packets),
  bytes: BigInt(bytes),
});
const port = (name: string): PortState => ({
  name,
  ifindex: 2,
  mac: new Uint8Array(6),
  mtu: 1500,
  up: true,
  mode: 'native',
  transmits: true,
  rpFilter: 0,
  kind: 'veth',
  master: undefined,
  vlan: undefined,
  kernel: undefined,
  switchedOff: [],
  problem: undefined,
});

describe('counterRates()', () => {
  it('are per second, by interface, outcome and reason', () => {
    const before = { at: 1000, rows: [row('p0', 'redirect', 'forwarded', 100), row('p0', 'pass', 'local', 10)] };
    const after = {
      at: 3000,
      rows: [
        row('p0', 'redirect', 'forwarded', 300),
        row('p0', 'tx', 'forwarded', 20),
        row('p0', 'pass', 'local', 14),
        row('p1', 'drop', 'malformed', 2),
      ],
    };
    const { total, interfaces, reasons } = counterRates(before, after);
    expect(total).toEqual({
      fast: { packets: 110, bytes: 11_000 },
      kernel: { packets: 2, bytes: 200 },
      dropped: { packets: 1, bytes: 100 },
    });
    expect(interfaces.get('p1')?.dropped.packets).toBe(1);
    expect(reasons.map(({ outcome, reason, packets, total: sum }) => [outcome, reason, packets, sum])).toEqual([
      ['fast', 'forwarded', 110, 320],
      ['kernel', 'local', 2, 14],
      ['dropped', 'malformed', 1, 2],
    ]);
  });

  it('take counters that went back as started anew', () => {
    const before = { at: 0, rows: [row('p0', 'pass', 'local', 1000)] };
    const after = { at: 1000, rows: [row('p0', 'pass', 'local', 5)] };
    expect(counterRates(before, after).total.kernel).toEqual({ packets: 5, bytes: 500 });
  });
});

describe('LiveSampler', () => {
  it('sample() makes a snapshot of what there is, and history', () => {
    let time = 0;
    let rows: CounterRow[] = [];
    let paths: PathRow[] = [];
    let sent = 0;
    const sampler = new LiveSampler({
      box: {
        instance: 'edge',
        host: 'h',
        version: '0',
        kernel: '6.1',
        pid: 1,
        startedAt: 0,
        configFile: '/etc/headrace.yaml',
      },
      status: () => ({
        healthy: true,
        problems: [],
        notes: ['a note'],
        parts: { thing: { mode: 'helper', routes: 12 } },
      }),
      counters: () => rows,
      paths: () => paths,
      ports: () => [port('p0')],
      devices: () => new Map([['p0', { sentPackets: sent, sentBytes: sent * 10 }]]),
      sessions: () => [],
      clock: () => time,
      now: () => 1_700_000_000_000 + time,
    });
    expect(sampler.snapshot.interfaces['p0']?.in.fast.packets).toBe(0);
    for (let i = 1; i <= 400; i++) {
      time = i * 1000;
      rows = [row('p0', 'redirect', 'forwarded', i * 7)];
      paths = [{ from: 'p0', to: 'p0', packets: BigInt(i * 2), bytes: BigInt(i * 18) }];
      sent = i * 6;
      sampler.sample();
    }
    const { snapshot, history } = sampler;
    expect(snapshot.interfaces['p0']).toMatchObject({
      mode: 'native',
      in: { fast: { packets: 7, bytes: 700 } },
      out: { packets: 6, bytes: 60 },
      sent: { packets: 2, bytes: 18 },
      to: { p0: { packets: 2, bytes: 18 } },
    });
    expect(snapshot.facts).toEqual({ thing: { title: 'Thing', text: 'mode helper · routes 12', tone: 'neutral' } });
    expect(history.at).toHaveLength(300);
    expect(history.at.at(-1)).toBe(1_700_000_400);
    expect(new Set(history.packets.fast)).toEqual(new Set([7]));
    expect(history.interfaces['p0']).toHaveLength(60);
    // A document a merge patch can express.
    expect(JSON.stringify(snapshot)).not.toContain('null');
  });
});

it('parseDeviceCounts() reads what left', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
p0.100:12345678901 7 0 0 0 0 0 0 555 44 0 0 0 0 0 0
`;
  expect(parseDeviceCounts(text).get('p0.100')).toEqual({ sentBytes: 555, sentPackets: 44 });
});
