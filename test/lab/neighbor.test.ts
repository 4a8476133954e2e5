/** The first packet to a host nobody has spoken to yet: the kernel queues it and asks, the fast path takes the next. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ends,
  type Headrace,
  headrace,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
} from './library/index.ts';

describe('neighbor resolution', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('neighbor');
    pair = routedPair(lab);
    box = await headrace(pair.box, minimalConfig);
  });
  afterAll(() => lab?.cleanup());

  it.each([4, 6] as const)('the first packet to an unresolved IPv%i neighbor arrives', async (family) => {
    pair.box.ip(`-${family} neighbor flush dev p1`);
    const stream = { ...ends[family], count: 1 };
    expect(await (await Stream.start(pair.client, pair.server, stream)).finished()).toMatchObject({
      received: 1,
      lost: 0,
    });
    expect(box.packets({ interface: 'p0', verdict: 'pass', reason: 'no_neighbor' })).toBeGreaterThan(0);
    const before = box.packets({ interface: 'p0', verdict: 'redirect' });
    expect(await (await Stream.start(pair.client, pair.server, stream)).finished()).toMatchObject({
      received: 1,
      lost: 0,
    });
    expect(box.packets({ interface: 'p0', verdict: 'redirect' })).toBe(before + 1);
  });
});

describe('IPv4 by IPv6 next hop', () => {
  let lab: Lab;
  afterAll(() => lab?.cleanup());

  it('an IPv4 route via an IPv6 neighbor is taken by the fast path', async () => {
    lab = new Lab('viainet6');
    const pair = routedPair(lab);
    pair.server.address('lo', '10.40.0.1/32');
    pair.box.route('10.40.0.0/16 via inet6 fd00:2::2 dev p1');
    const box = await headrace(pair.box, minimalConfig);
    const stream = { source: ends[4].source, destination: '10.40.0.1' };
    await (await Stream.start(pair.client, pair.server, { ...stream, count: 3 })).finished();
    const before = box.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' });
    expect(await (await Stream.start(pair.client, pair.server, { ...stream, count: 100 })).finished()).toEqual({
      sent: 100,
      received: 100,
      lost: 0,
      duplicates: 0,
    });
    expect(box.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' })).toBe(before + 100);
  });
});
