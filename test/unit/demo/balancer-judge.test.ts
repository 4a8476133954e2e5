import { describe, expect, it } from 'vitest';
import { judge, type Seen } from '../../../appliance/demo/balancer/judge.ts';

const answers = (web1: number, web2: number, web3: number, failed = 0) => ({
  byServer: { web1, web2, web3 },
  answered: web1 + web2 + web3,
  failed,
});
const rate = (packetsPerSecond: number, received = 100) => ({ packetsPerSecond, sent: 100, received });
const well: Seen = {
  even: answers(500, 250, 250),
  drained: answers(20, 10, 0),
  alone: answers(20, 10, 0),
  dying: answers(20, 0, 10, 4),
  dead: answers(20, 0, 10),
  noticedMs: 500,
  connections: { held: 100, ofDead: 25, broken: 25, reasons: { closed: 25 } },
  rates: { nftables: rate(1000), headrace: rate(5000) },
};

describe("judge() of the balancer's demo", () => {
  it('is content when all went as it should, and tells the speed', () => {
    expect(judge(well)).toMatchObject({ worked: true, problems: [], speedup: 5 });
  });

  it.each<[string, Partial<Seen>, RegExp]>([
    ['shares that are not chance', { even: answers(250, 500, 250) }, /web1 got 25\.0 % .* not 50\.0 %/],
    ['a request that failed', { even: answers(500, 250, 250, 1) }, /1 pages could not be fetched while all was well/],
    ['nothing fetched without a daemon', { alone: answers(0, 0, 0) }, /no page was fetched while no daemon ran/],
    ['a drained server that is asked', { drained: answers(20, 10, 1) }, /web3 was drained and got 1 requests/],
    ['a dead server that is asked', { dead: answers(20, 1, 10) }, /web2 was dead and got 1 requests/],
    [
      'a connection too many that broke',
      { connections: { ...well.connections, broken: 26 } },
      /1 connections broke that should have lived/,
    ],
    ['a flood that was lost', { rates: { ...well.rates, headrace: rate(5000, 49) } }, /49 of 100 packets/],
  ])('notices %s', (_, change, problem) => {
    const { worked, problems } = judge({ ...well, ...change });
    expect(worked).toBe(false);
    expect(problems.join()).toMatch(problem);
  });
});
