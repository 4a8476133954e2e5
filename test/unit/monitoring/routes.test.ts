import { expect, it } from 'vitest';
import { RouteCounter } from '../../../monitoring/index.ts';

it('RouteCounter counts small tables at once, and large ones a hundredth of the time', async () => {
  let now = 0;
  let counted = 0;
  let took = 1;
  const counter = new RouteCounter(
    async () => {
      counted++;
      now += took;
      return new Map([['254 4 186', counted]]);
    },
    () => now,
  );
  const first = async (): Promise<number | undefined> => [...(await counter.counts()).values()][0];
  expect(await first()).toBe(1);
  now += 9000;
  expect(await first()).toBe(1);
  now += 2000;
  took = 3000;
  expect(await first()).toBe(2);
  now += 299_000;
  expect(await first()).toBe(2);
  now += 2000;
  expect(await first()).toBe(3);
});

it('RouteCounter tells the former count while it counts, and fails while counting does', async () => {
  let now = 0;
  let answer: Promise<ReadonlyMap<string, number>> = Promise.resolve(new Map([['a', 1]]));
  const counter = new RouteCounter(
    () => answer,
    () => now,
  );
  expect(await counter.counts()).toEqual(new Map([['a', 1]]));
  now = 20_000;
  let finish: (counts: ReadonlyMap<string, number>) => void = () => {};
  answer = new Promise((resolve) => {
    finish = resolve;
  });
  expect(await counter.counts()).toEqual(new Map([['a', 1]]));
  finish(new Map([['a', 2]]));
  expect(await counter.counts()).toEqual(new Map([['a', 2]]));
  now = 40_000;
  answer = Promise.reject(new Error('ENOBUFS'));
  await expect(counter.counts()).rejects.toThrow('ENOBUFS');
  now = 60_000;
  answer = Promise.resolve(new Map());
  expect((await counter.counts()).size).toBe(0);
});
