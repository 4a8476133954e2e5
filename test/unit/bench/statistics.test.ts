import { describe, expect, it } from 'vitest';
import { pseudoRandom, summarize } from '../../bench/statistics.ts';

describe('summarize()', () => {
  it('gives minimum and median, and leaves its input alone', () => {
    const values = [3, 1, 10];
    expect(summarize(values)).toEqual({ min: 1, median: 3 });
    expect(values).toEqual([3, 1, 10]);
    expect(() => summarize([])).toThrow('there are none');
  });
});

describe('pseudoRandom()', () => {
  it('is the same in every run and does not repeat soon', () => {
    const [a, b] = [pseudoRandom(1), pseudoRandom(1)];
    const values = Array.from({ length: 1000 }, () => a.next().value);
    expect(values).toEqual(Array.from({ length: 1000 }, () => b.next().value));
    expect(new Set(values).size).toBe(1000);
  });
});
