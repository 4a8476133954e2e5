/**
 * The data plane outlives the daemon: killing it, changing routes while it is dead, starting it again and stopping it in
 * good order lose no packet of a stream, and a start takes over what is there.
 */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { XdpLink } from '../../controlplane/bpf/index.ts';
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

describe.each(['root', 'unit'] as const)('a daemon run as %s that dies', (as) => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('restart');
    pair = routedPair(lab);
    box = await headrace(pair.box, minimalConfig, { as });
  });
  afterAll(() => lab?.cleanup());

  const linkIds = (): [string, number][] =>
    box
      .pinnedLinks()
      .sort()
      .map((name) => {
        using link = XdpLink.openPinned(`${box.pins}/links/${name}`);
        return [name, link.info().id];
      });

  it('loses nothing to SIGKILL, to a restart and to SIGTERM, and keeps links and counters', async () => {
    const streams = await Promise.all(
      ([4, 6] as const).map((family) =>
        Stream.start(pair.client, pair.server, { ...ends[family], rate: 1000, port: 9000 + family }),
      ),
    );
    const flow = async (count: number): Promise<void> => {
      await Promise.all(streams.map((stream) => stream.flow(count)));
    };
    await flow(300);
    const ids = linkIds();
    expect(ids).toHaveLength(2);
    const forwarded = box.packets({ verdict: 'redirect' });
    expect(forwarded).toBeGreaterThan(0);

    await box.kill();
    expect(linkIds()).toEqual(ids);
    await flow(300);

    await box.start();
    expect(linkIds()).toEqual(ids);
    expect(box.packets({ verdict: 'redirect' })).toBeGreaterThan(forwarded + 500);
    await flow(300);

    expect(await box.stop()).toBe(0);
    expect(linkIds()).toEqual(ids);
    await flow(300);
    await box.start();
    expect(linkIds()).toEqual(ids);
    await flow(100);
    for (const stream of streams) expect(await stream.stop()).toMatchObject({ lost: 0, duplicates: 0 });
  });

  it('still follows routes while it is dead', async () => {
    await box.kill();
    const before = readdirSync(`${box.pins}/links`);
    pair.server.address('lo', '10.30.0.1/32');
    pair.box.route('10.30.0.0/16 via 10.0.2.2');
    const stream = { source: ends[4].source, destination: '10.30.0.1', count: 200 };
    expect(await (await Stream.start(pair.client, pair.server, stream)).finished()).toMatchObject({ received: 200 });
    pair.box.ip('route replace blackhole 10.30.0.0/16');
    expect(await (await Stream.start(pair.client, pair.server, stream)).finished()).toMatchObject({ received: 0 });
    expect(readdirSync(`${box.pins}/links`)).toEqual(before);
    await box.start();
    expect(box.packets({ verdict: 'redirect', reason: 'forwarded' })).toBeGreaterThan(200);
    expect(box.packets({ reason: 'blackhole' })).toBeGreaterThanOrEqual(200);
  });
});
