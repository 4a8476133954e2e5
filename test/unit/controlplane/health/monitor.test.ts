import { describe, expect, it } from 'vitest';
import {
  type CheckSpec,
  type CheckTarget,
  type HealthEvent,
  HealthMonitor,
  type Outcome,
  type PoolChecks,
  type Probe,
} from '../../../../controlplane/health/index.ts';
import { FakeClock } from './fake-clock.ts';

const timing = { intervalMs: 1000, fastIntervalMs: 200, timeoutMs: 500, jitter: 0, rise: 3, fall: 2, holdDownMs: 0 };
const tcp: Probe = { kind: 'tcp', port: 80 };
const icmp: Probe = { kind: 'icmp' };

/** A monitor over backends whose answers the test decides. */
function rig() {
  const clock = new FakeClock();
  const answers = new Map<string, Outcome['result']>();
  const asked: { at: number; address: string; kind: string }[] = [];
  const events: HealthEvent[] = [];
  const told: string[] = [];
  const monitor = new HealthMonitor({
    clock,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    make:
      (probe) =>
      async ({ address }) => {
        asked.push({ at: clock.now(), address, kind: probe.kind });
        await new Promise<void>((resolve) => clock.after(5, resolve));
        const result = answers.get(`${address} ${probe.kind}`) ?? answers.get(address) ?? 'success';
        return { result, detail: `as told: ${result}` };
      },
  });
  monitor.onChange((pool) => told.push(pool));
  return { clock, answers, asked, events, told, monitor };
}

const target = (backend: string, address: string, check: Partial<CheckSpec> = {}): CheckTarget => ({
  pool: 'web',
  backend,
  address,
  check: { ...timing, probes: [tcp], ...check },
});
const pool = (...targets: CheckTarget[]): PoolChecks => ({ pool: 'web', panicBelow: 0, targets });

describe('HealthMonitor', () => {
  it('knows nothing at first, then settles after the first round', async () => {
    const { clock, monitor, told, answers } = rig();
    answers.set('10.0.0.2', 'failure');
    monitor.configure([pool(target('a', '10.0.0.1'), target('b', '10.0.0.2'))]);
    expect([monitor.verdict('web', 'a'), monitor.settled('web')]).toEqual(['unknown', false]);
    expect([monitor.verdict('web', 'stranger'), monitor.verdict('other', 'a'), monitor.settled('other')]).toEqual([
      'up',
      'up',
      true,
    ]);
    await clock.pass(100);
    expect([monitor.verdict('web', 'a'), monitor.verdict('web', 'b')]).toEqual(['up', 'unknown']);
    expect(monitor.settled('web')).toBe(false);
    // The second failure comes after the fast interval.
    await clock.pass(200);
    expect([monitor.verdict('web', 'b'), monitor.settled('web')]).toEqual(['down', true]);
    expect(told.every((name) => name === 'web')).toBe(true);
    expect(told).toHaveLength(3);
  });

  it('asks fast while a verdict may change, and slowly otherwise', async () => {
    const { clock, monitor, asked, answers } = rig();
    monitor.configure([pool(target('a', '10.0.0.1'))]);
    await clock.pass(1900);
    answers.set('10.0.0.1', 'timeout');
    await clock.pass(1200);
    answers.set('10.0.0.1', 'success');
    await clock.pass(2000);
    const gaps = asked.map(({ at }, i) => at - (asked[i - 1]?.at ?? 0)).slice(1);
    expect(gaps).toEqual([1000, 1000, 200, 1000, 200, 200, 1000]);
    expect(monitor.verdict('web', 'a')).toBe('up');
  });

  it('keeps what it knows over a reload, and forgets a backend that moved', async () => {
    const { clock, monitor, asked } = rig();
    monitor.configure([pool(target('a', '10.0.0.1'), target('b', '10.0.0.2'))]);
    await clock.pass(500);
    const before = asked.length;
    monitor.configure([pool(target('a', '10.0.0.1', { intervalMs: 5000 }), target('b', '10.0.0.3'))]);
    expect([monitor.verdict('web', 'a'), monitor.verdict('web', 'b')]).toEqual(['up', 'unknown']);
    await clock.pass(300);
    expect(asked.slice(before).map(({ address }) => address)).toEqual(['10.0.0.3']);
    monitor.configure([pool(target('a', '10.0.0.1', { probes: [{ kind: 'tcp', port: 81 }] }))]);
    expect(monitor.verdict('web', 'a')).toBe('up');
    expect(monitor.verdict('web', 'b')).toBe('up');
    await clock.pass(5000);
    expect(new Set(asked.slice(before + 1).map(({ address }) => address))).toEqual(new Set(['10.0.0.1']));
  });

  it('a backend is up when all its checks are', async () => {
    const { clock, monitor, answers, events } = rig();
    answers.set('10.0.0.1 icmp', 'timeout');
    monitor.configure([pool(target('a', '10.0.0.1', { probes: [tcp, icmp] }))]);
    await clock.pass(2000);
    expect(monitor.verdict('web', 'a')).toBe('down');
    expect(events).toMatchObject([
      { kind: 'verdict', before: 'unknown', verdict: 'down', reason: 'icmp: as told: timeout' },
    ]);
    answers.clear();
    await clock.pass(3000);
    expect(monitor.verdict('web', 'a')).toBe('up');
    expect(monitor.report().map(({ kind, verdict }) => [kind, verdict])).toEqual([
      ['tcp', 'up'],
      ['icmp', 'up'],
    ]);
  });

  it('counts every backend as up in panic mode, says so, and leaves it by itself', async () => {
    const { clock, monitor, answers, events } = rig();
    const targets = ['1', '2', '3', '4'].map((n) => target(n, `10.0.0.${n}`));
    for (const n of ['1', '2', '3']) answers.set(`10.0.0.${n}`, 'failure');
    monitor.configure([{ ...pool(...targets), panicBelow: 0.5 }]);
    await clock.pass(2000);
    expect(monitor.verdict('web', '1')).toBe('up');
    expect(monitor.report().map(({ verdict, panic }) => [verdict, panic])).toEqual([
      ['down', true],
      ['down', true],
      ['down', true],
      ['up', true],
    ]);
    expect(events.at(-1)).toEqual({ kind: 'panic', pool: 'web', panic: true });
    answers.delete('10.0.0.1');
    await clock.pass(3000);
    expect([monitor.verdict('web', '1'), monitor.verdict('web', '2')]).toEqual(['up', 'down']);
    expect(events.at(-1)).toEqual({ kind: 'panic', pool: 'web', panic: false });
  });

  it('takes trouble of its own for no answer', async () => {
    const { clock, monitor, answers } = rig();
    monitor.configure([pool(target('a', '10.0.0.1'))]);
    await clock.pass(100);
    answers.set('10.0.0.1', 'error');
    await clock.pass(10_000);
    expect(monitor.verdict('web', 'a')).toBe('up');
    expect(monitor.report()[0]?.counts.error).toBeGreaterThan(5);
  });

  it('refuses as a whole what it cannot check', async () => {
    const monitor = new HealthMonitor();
    const http = {
      kind: 'http',
      port: 80,
      method: 'GET',
      path: '/',
      status: [[200, 299]],
      maxBodyBytes: 1024,
      verify: true,
    } as const;
    expect(() => monitor.configure([pool(target('a', '10.0.0.1', { probes: [{ ...http, matches: '(' }] }))])).toThrow(
      'regular expression',
    );
    expect(monitor.report()).toEqual([]);
    monitor.close();
  });
});
