import { describe, expect, it } from 'vitest';
import { type BalanceReading, factsOf, servicesOf } from '../../../../monitoring/live/index.ts';

describe('factsOf()', () => {
  it('words parts it knows', () => {
    const facts = factsOf({
      fib: { mode: 'helper', why: 'few routes' },
      firewall: { claims: [{ interface: 'p0', action: 'kernel' }] },
      neighbors: { kept: 3, resolved: 2 },
      announcements: { vips: 2, wanted: 2, announced: 1, sessions: [] },
      checks: { up: 2, down: 1, unknown: 0, panic: [] },
      losses: { counted: true, lost: [{ interface: 'p1', cause: 'queue_full', packets: 1 }] },
    });
    expect(Object.values(facts).map(({ title, text, tone }) => [title, text, tone])).toEqual([
      ['Route lookup', "the kernel's own lookup (few routes)", 'good'],
      ['Firewall', 'rules apply: the kernel forwards for p0', 'attention'],
      ['Neighbors', '2 of 3 next hops resolved and kept so', 'attention'],
      ['Announcements', '1 of 2 VIPs announced', 'bad'],
      ['Health checks', '2 of 3 checked backends passing', 'attention'],
      ['Lost on the way', '1 packet for p1 (queue_full)', 'neutral'],
    ]);
  });

  it('shows keys and values of others, and of known ones in another shape', () => {
    const facts = factsOf({
      conntrackSync: { peers: [1, 2], upToDate: true, deep: {} },
      fib: { entries: 3 },
      none: null,
    });
    expect(facts['conntrackSync']).toEqual({
      title: 'Conntrack sync',
      text: '2 peers · up to date yes',
      tone: 'neutral',
    });
    expect(facts['fib']?.text).toBe('entries 3');
    expect(facts['none']).toBeUndefined();
  });
});

describe('servicesOf()', () => {
  const service = {
    service: 'web',
    frontends: ['198.51.100.10 tcp 443'],
    pool: 'a',
    mode: 'l2',
    up: true,
    ready: true,
  };
  const backend = { pool: 'a', address: '10.0.0.1', weight: 10, share: 0.5, unreachable: '', reason: '' };
  const reading = (at: number, packets: bigint): BalanceReading =>
    ({
      at,
      services: [{ ...service, reason: '', packets, bytes: packets * 100n }],
      backends: [
        { ...backend, backend: 'a1', state: 'active', packets, bytes: packets * 100n },
        {
          ...backend,
          backend: 'a2',
          state: 'down',
          reason: 'its checks fail',
          packets: 5n - packets / 100n,
          bytes: 0n,
        },
        { ...backend, pool: 'other', backend: 'o1', state: 'active', packets: 0n, bytes: 0n },
      ],
    }) as unknown as BalanceReading;

  it('joins services and the backends of their pools, with rates between two readings', () => {
    const { web } = servicesOf(reading(1000, 100n), reading(3000, 300n));
    expect(web).toMatchObject({ state: 'up', tone: 'good', rate: { packets: 100, bytes: 10_000 } });
    expect(Object.keys(web!.backends)).toEqual(['a1', 'a2']);
    expect(web!.backends['a1']).toMatchObject({ tone: 'good', share: 0.5, rate: { packets: 100 } });
    expect(web!.backends['a2']).toMatchObject({ tone: 'bad', note: 'its checks fail' });
    expect(web!.backends['a2']).not.toHaveProperty('rate');
  });

  it('have no rates at the first reading', () => {
    expect(servicesOf(undefined, reading(1000, 100n))['web']).not.toHaveProperty('rate');
  });
});
