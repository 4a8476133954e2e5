import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scheduler } from '../../../../controlplane/health/index.ts';
import { FakeClock } from './fake-clock.ts';

describe('Scheduler', () => {
  it('starts jobs in the order in which they are due, each when it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 2, max: 500 }), { minLength: 1, maxLength: 40 }), async (dues) => {
        const clock = new FakeClock();
        const scheduler = new Scheduler(clock, { startsPerTurn: 1000 });
        const started: number[] = [];
        for (const due of dues)
          scheduler.add(due, async () => {
            started.push(due);
            expect(clock.now()).toBe(due);
            return Number.POSITIVE_INFINITY;
          });
        await clock.pass(600);
        expect(started).toEqual(dues.toSorted((a, b) => a - b));
      }),
      { numRuns: 30 },
    );
  });

  it('spreads what is due together over turns', async () => {
    const clock = new FakeClock();
    const scheduler = new Scheduler(clock, { startsPerTurn: 5 });
    const starts = new Map<number, number>();
    for (let i = 0; i < 100; i++)
      scheduler.add(0, async () => {
        starts.set(clock.now(), (starts.get(clock.now()) ?? 0) + 1);
        return Number.POSITIVE_INFINITY;
      });
    await clock.pass(100);
    expect([...starts.values()].reduce((a, b) => a + b)).toBe(100);
    expect(Math.max(...starts.values())).toBe(5);
    // Whoever looks, and however often.
    expect(scheduler.statistics.maxLagMs).toBe(20);
    expect(scheduler.statistics.maxLagMs).toBe(20);
    await clock.pass(25_000);
    expect(scheduler.statistics.maxLagMs).toBe(20);
    await clock.pass(40_000);
    expect(scheduler.statistics.maxLagMs).toBe(0);
  });

  it('never has more under way than allowed, and goes on when one ends', async () => {
    const clock = new FakeClock();
    const scheduler = new Scheduler(clock, { maxInFlight: 3 });
    let running = 0;
    let most = 0;
    let ended = 0;
    for (let i = 0; i < 20; i++)
      scheduler.add(0, async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => clock.after(10, resolve));
        running--;
        ended++;
        return Number.POSITIVE_INFINITY;
      });
    await clock.pass(200);
    expect([most, ended]).toEqual([3, 20]);
  });

  it('repeats a job as it says, and not once it is cancelled', async () => {
    const clock = new FakeClock();
    const scheduler = new Scheduler(clock);
    const at: number[] = [];
    const cancel = scheduler.add(10, async () => {
      at.push(clock.now());
      return clock.now() + 20;
    });
    await clock.pass(75);
    expect(at).toEqual([10, 30, 50, 70]);
    cancel();
    await clock.pass(100);
    expect(at).toHaveLength(4);
    expect(scheduler.statistics.jobs).toBe(0);
  });

  it('runs a job that fails again a second later, and the others as ever', async () => {
    const clock = new FakeClock();
    const errors: string[] = [];
    const scheduler = new Scheduler(clock, { maxInFlight: 1, onError: (error) => errors.push(error.message) });
    const failed: number[] = [];
    let runs = 0;
    scheduler.add(10, () => {
      failed.push(clock.now());
      throw new Error('no socket');
    });
    scheduler.add(10, async () => {
      runs++;
      return clock.now() + 100;
    });
    await clock.pass(1500);
    expect(failed).toHaveLength(2);
    expect(failed[1]! - failed[0]!).toBeGreaterThanOrEqual(1000);
    expect(errors).toEqual(['no socket', 'no socket']);
    expect(runs).toBeGreaterThan(10);
  });

  it('starts nothing after it is closed', async () => {
    const clock = new FakeClock();
    const scheduler = new Scheduler(clock);
    let started = 0;
    scheduler.add(10, async () => {
      started++;
      return clock.now() + 1;
    });
    scheduler.close();
    await clock.pass(100);
    expect(started).toBe(0);
  });
});
