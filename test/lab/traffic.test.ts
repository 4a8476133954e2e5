/**
 * Ordinary traffic between ordinary hosts: correct between plain veth hosts without any ethtool trick, and on the fast
 * path where the peers allow it.
 */
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
  until,
} from './library/index.ts';

const SERVE = `require('http').createServer((q, r) => r.end(Buffer.alloc(4 << 20, 'x'))).listen(8080, '::', () => console.log('up'))`;

describe.each([
  { kind: 'plain veth', gro: false },
  { kind: 'veth with GRO', gro: true },
])('traffic between hosts on $kind', ({ gro }) => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('traffic');
    pair = routedPair(lab, { gro });
    box = await headrace(pair.box, minimalConfig);
    await pair.server.spawn([process.execPath, '-e', SERVE]).line(/^up$/);
  });
  afterAll(() => lab?.cleanup());

  it("curl fetches over IPv4 and IPv6, and a local sender's unfinished checksums are the kernel's", async () => {
    for (const address of ['10.0.2.2', '[fd00:2::2]']) {
      const before = box.packets({ verdict: 'pass', reason: 'unfinished_checksum' });
      const got = await pair.client.run([
        'curl',
        '-sS',
        '--max-time',
        '20',
        '-o',
        '/dev/null',
        '-w',
        '%{size_download}',
        `http://${address}:8080/`,
      ]);
      expect(got).toMatchObject({ status: 0, stdout: String(4 << 20) });
      expect(box.packets({ verdict: 'pass', reason: 'unfinished_checksum' })).toBeGreaterThan(before);
    }
  });

  it.each([4, 6] as const)('iperf3 moves TCP and UDP over IPv%i', async (family) => {
    for (const protocol of [
      ['-n', '8M'],
      ['-u', '-b', '20M', '-n', '1M'],
    ]) {
      const daemon = pair.server.spawn(['iperf3', '-s', '-1']);
      await until('iperf3 to listen', () => pair.server.exec(['ss', '-Hltn', 'sport = :5201']).stdout !== '');
      const run = await pair.client.run(['iperf3', '-J', '-c', ends[family].destination, ...protocol]);
      expect(run.status, run.stdout).toBe(0);
      await daemon.exited;
    }
  });

  it.each([4, 6] as const)(
    'a stream of finished packets over IPv%i arrives whole, each counted once',
    async (family) => {
      // The first packets resolve the neighbors.
      await (await Stream.start(pair.client, pair.server, { ...ends[family], count: 5 })).finished();
      const forwarded = (): number => box.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' });
      const unable = (): number => box.packets({ interface: 'p0', verdict: 'pass', reason: 'egress_unable' });
      const before = [forwarded(), unable()] as const;
      const arrived = await (await Stream.start(pair.client, pair.server, { ...ends[family], count: 300 })).finished();
      expect(arrived).toEqual({ sent: 300, received: 300, lost: 0, duplicates: 0 });
      expect([forwarded() - before[0], unable() - before[1]]).toEqual(gro ? [300, 0] : [0, 300]);
    },
  );
});
