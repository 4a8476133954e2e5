import { describe, expect, it } from 'vitest';
import { allThatLeft, waysOf } from '../../../../monitoring/live/ways.ts';

const way = (from: string, to: string, packets: number) => ({
  from,
  to,
  packets: BigInt(packets),
  bytes: BigInt(packets * 100),
});
const rate = (packets: number) => ({ packets, bytes: packets * 100 });

describe('waysOf()', () => {
  it('gives rates by way, and sums by where they left', () => {
    const before = [way('p0', 'p1', 100)];
    const after = [way('p0', 'p1', 120), way('p2', 'p1', 10), way('p0', '', 4), way('p1', 'p0', 0)];
    const { from, to } = waysOf(before, after, 2);
    expect(from.get('p0')).toEqual({ p1: rate(10), other: rate(2) });
    expect(from.get('p1')).toBeUndefined();
    expect(to.get('p1')).toEqual(rate(15));
  });

  it('takes counters that went back as started anew', () => {
    expect(waysOf([way('p0', 'p1', 100)], [way('p0', 'p1', 5)], 1).to.get('p1')).toEqual(rate(5));
  });
});

describe('allThatLeft()', () => {
  it.each([
    ['a driver that counts what XDP sends', 1000, 1500, 1500],
    ['one that does not', 1000, 200, 1200],
    ['two looks a moment apart', 1000, 1012, 1000],
    ['one that is a moment behind', 1000, 990, 1000],
    ['the kernel alone', 0, 3, 3],
  ])('%s: %d sent by XDP and %d counted are %d', (_, sent, counted, all) => {
    expect(allThatLeft(rate(sent), rate(counted)).packets).toBe(all);
  });
});
