import { expect, it } from 'vitest';
import { LossWatch } from '../../../monitoring/losses.ts';

const row = (cause: string, packets: number) => ({ interface: 'eth1', cause, packets: BigInt(packets) });

it('LossWatch tells of what was lost since it looks, for a minute', () => {
  let now = 0;
  const watch = new LossWatch(() => now);
  watch.look([row('no_receiver', 700), row('down', 0)]);
  expect([...watch.problems(), ...watch.notes()]).toEqual([]);
  now = 10_000;
  watch.look([row('no_receiver', 701), row('down', 0)]);
  expect(watch.problems()).toEqual([]);
  expect(watch.notes()).toEqual([expect.stringContaining('eth1 are lost (no_receiver')]);
  now = 20_000;
  watch.look([row('no_receiver', 701), row('down', 0)]);
  expect(watch.notes().length).toBe(1);
  now = 71_000;
  expect(watch.notes()).toEqual([]);
});

it('LossWatch calls unwell what goes on, but for full queues', () => {
  let now = 0;
  const watch = new LossWatch(() => now);
  for (let lost = 0; lost <= 4; lost++, now += 10_000) watch.look([row('down', lost), row('queue_full', lost)]);
  now -= 10_000;
  expect(watch.problems()).toEqual([expect.stringContaining('(down,')]);
  expect(watch.notes()).toEqual([expect.stringContaining('(queue_full,')]);
  now += 10_000;
  watch.look([row('down', 4), row('queue_full', 4)]);
  expect(watch.problems()).toEqual([]);
  expect(watch.notes().length).toBe(2);
});

it('LossWatch takes counters that went back for new ones', () => {
  const watch = new LossWatch(() => 0);
  watch.look([row('tx', 50)]);
  watch.look([row('tx', 0)]);
  expect(watch.notes()).toEqual([]);
  watch.look([row('tx', 3)]);
  expect(watch.notes().length).toBe(1);
});
