import { expect, it } from 'vitest';
import { Guard } from '../../../appliance/daemon/guard.ts';

it('lets the others go on, tells once, and forgets when it succeeds', () => {
  const told: unknown[] = [];
  const guard = new Guard({ emit: (name, fields) => told.push([name, (fields as { part: string }).part]) });
  const fail = (): void => {
    throw new Error('no maps');
  };
  guard.run('balancer', 'tick', fail);
  guard.run('balancer', 'tick', fail);
  guard.run('fib', 'tick', () => {});
  expect(told).toEqual([['part_failed', 'balancer']]);
  expect(guard.problems()).toEqual([expect.stringMatching(/^balancer failed at its tick.*no maps/)]);
  guard.run('balancer', 'refresh', () => {});
  expect(guard.problems()).toHaveLength(1);
  guard.run('balancer', 'tick', () => {});
  expect(guard.problems()).toEqual([]);
});
