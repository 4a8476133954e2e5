/** The demo must not say that it worked when nothing, or not Headrace, forwarded. */
import { describe, expect, it } from 'vitest';
import { type DemoResult, judge } from '../../../appliance/demo/judge.ts';

const traffic = {
  stream: { sent: 1000, received: 1000, lost: 0, duplicates: 0 },
  pagesFetched: 3,
  pagesFailed: 0,
};
const rate = { packetsPerSecond: 1_000_000, sent: 300_000, received: 300_000 };
const kernel: DemoResult['kernel'] = { rate, traffic };
const good: Omit<DemoResult['headrace'], 'fastShare'> = {
  rate,
  traffic,
  flows: [
    { verdict: 'redirect', reason: 'forwarded', packetsPerSecond: 990 },
    { verdict: 'pass', reason: 'ttl_expired', packetsPerSecond: 10 },
  ],
  streamFast: 1000,
  floodFast: 300_000,
};

describe('the judgement of the demo', () => {
  it('is good when all arrived by the fast path', () => {
    expect(judge(kernel, good)).toMatchObject({
      worked: true,
      problems: [],
      speedup: 1,
      headrace: { fastShare: 0.99 },
    });
  });

  it.each<[string, Partial<typeof good>]>([
    ['no counter moved', { flows: [], streamFast: 0, floodFast: 0 }],
    ['the kernel forwarded', { flows: [{ verdict: 'pass', reason: 'no_neighbor', packetsPerSecond: 1000 }] }],
    ['the fast path counted less than the stream', { streamFast: 10 }],
    ['the fast path did not see the flood', { floodFast: 0 }],
    ['nothing was sent', { traffic: { ...traffic, stream: { sent: 0, received: 0, lost: 0, duplicates: 0 } } }],
    ['a stream packet was lost', { traffic: { ...traffic, stream: { ...traffic.stream, received: 999, lost: 1 } } }],
    ['no page was fetched', { traffic: { ...traffic, pagesFetched: 0 } }],
    ['a page failed', { traffic: { ...traffic, pagesFailed: 1 } }],
    ['the flood went astray', { rate: { packetsPerSecond: 0, sent: 300_000, received: 0 }, floodFast: 0 }],
    ['no flood was sent', { rate: { packetsPerSecond: 0, sent: 0, received: 0 }, floodFast: 0 }],
  ])('is bad when %s', (_, change) => {
    const { worked, problems } = judge(kernel, { ...good, ...change });
    expect(worked).toBe(false);
    expect(problems).not.toEqual([]);
  });

  it('is bad when something was found before', () => {
    expect(judge(kernel, good, ['detach failed']).worked).toBe(false);
  });
});
