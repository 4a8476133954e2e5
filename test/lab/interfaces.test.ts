/** Interfaces that come and go are followed, and taking Headrace down leaves nothing behind. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ends,
  type Headrace,
  headrace,
  joinServer,
  Lab,
  minimalConfig,
  type RoutedPair,
  routedPair,
  Stream,
  until,
} from './library/index.ts';

describe('interfaces that come and go', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('interfaces');
    pair = routedPair(lab);
    box = await headrace(pair.box, minimalConfig);
  });
  afterAll(() => lab?.cleanup());

  const attached = (ifname: string): boolean => pair.box.link(ifname).xdp !== undefined;
  const forwards = async (): Promise<void> => {
    await (await Stream.start(pair.client, pair.server, { ...ends[4], count: 3 })).finished();
    const before = box.packets({ interface: 'p0', verdict: 'redirect' });
    const arrived = await (await Stream.start(pair.client, pair.server, { ...ends[4], count: 100 })).finished();
    expect(arrived).toMatchObject({ received: 100, lost: 0 });
    expect(box.packets({ interface: 'p0', verdict: 'redirect' })).toBe(before + 100);
  };

  it('a link that comes back is attached again and forwards', async () => {
    await forwards();
    const old = pair.box.ifindex('p1');
    pair.box.ip('link delete p1');
    await until('the pin of the gone link to go', () => !box.pinnedLinks().includes(String(old)));
    joinServer(lab, pair.box, pair.server);
    await until('p1 to be attached again', () => attached('p1'));
    await until('the fast path to take packets to p1', async () => {
      const before = box.packets({ interface: 'p0', verdict: 'redirect' });
      await (await Stream.start(pair.client, pair.server, { ...ends[4], count: 3 })).finished();
      return box.packets({ interface: 'p0', verdict: 'redirect' }) > before;
    });
    await forwards();
  });

  it('a new interface of a matching name is attached, another is not', async () => {
    lab.link(pair.box, 'p2', pair.client, 'c2');
    lab.link(pair.box, 'q2', pair.client, 'c3');
    await until('p2 to be attached', () => attached('p2'));
    expect(attached('q2')).toBe(false);
  });

  it('an interface renamed to a matching name is attached', async () => {
    pair.box.ip('link set q2 down');
    pair.box.ip('link set q2 name p3');
    pair.box.ip('link set p3 up');
    await until('p3 to be attached', () => attached('p3'));
  });

  it('detach leaves no program and no pins, and traffic goes on by the kernel', async () => {
    await box.stop();
    expect(attached('p0')).toBe(true);
    const detach = box.detach();
    expect(detach, detach.stderr).toMatchObject({ status: 0 });
    for (const ifname of ['p0', 'p1', 'p2']) expect(attached(ifname)).toBe(false);
    expect(existsSync(box.pins)).toBe(false);
    const arrived = await (await Stream.start(pair.client, pair.server, { ...ends[4], count: 50 })).finished();
    expect(arrived).toMatchObject({ received: 50, lost: 0 });
    expect(box.detach().status).toBe(0);
  });
});
