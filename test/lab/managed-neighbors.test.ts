/**
 * Next hops while all traffic takes the fast path: a MAC address that changes without a word, a host that dies and
 * comes back, entries that somebody deletes or wrote himself, and a scan of addresses nobody has.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Headrace, headrace, Lab, minimalConfig, type RoutedPair, routedPair, until } from './library/index.ts';

interface Row {
  readonly interface: string;
  readonly address: string;
  readonly mac: string | null;
  readonly state: string;
  readonly use: string;
}

const behind = { 4: '10.40.0.1', 6: 'fd40::1' } as const;
const hop = { 4: '10.0.2.2', 6: 'fd00:2::2' } as const;

describe('neighbors', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('managed');
    pair = routedPair(lab);
    pair.server.address('lo', '10.40.0.1/32', 'fd40::1/128');
    pair.box.route('10.40.0.0/16 via 10.0.2.2');
    pair.box.route('fd40::/64 via fd00:2::2');
    pair.box.ip('neighbor add 10.0.2.9 lladdr 02:00:00:00:00:09 nud permanent dev p1');
    pair.box.route('10.49.0.0/16 via 10.0.2.9');
    box = await headrace(pair.box, minimalConfig);
  });
  afterAll(() => lab?.cleanup());

  const rows = (): Promise<Row[]> => box.ask<Row[]>('/neighbors');
  const row = async (address: string): Promise<Row | undefined> =>
    (await rows()).find((one) => one.address === address);
  const settled = (address: string, what: string, is: (found: Row | undefined) => boolean): Promise<unknown> =>
    until(`${address} ${what}`, async () => is(await row(address)), { timeoutMs: 40_000, everyMs: 100 });
  const kernelEntry = (address: string): string => pair.box.ip(`neighbor show ${address} dev p1`);

  /** Ten echo requests: how many were answered. */
  function answered(address: string): number {
    const ping = ['ping', '-q', '-c', '10', '-i', '0.002', '-W', '1', address];
    return Number(/(\d+) received/.exec(pair.client.exec(ping, { mayFail: true }).stdout)?.[1]);
  }

  it.each([4, 6] as const)('a gateway of IPv%i is resolved and kept before any traffic', async (family) => {
    await settled(hop[family], 'to be resolved', (found) => found?.mac !== null && found?.use === 'gateway');
    expect(kernelEntry(hop[family])).toMatch(/managed/);
    expect(kernelEntry(hop[family])).toMatch(/extern_learn/);
    const before = box.packets({ interface: 'p0', reason: 'forwarded' });
    expect(answered(behind[family])).toBe(10);
    expect(box.packets({ interface: 'p0', reason: 'forwarded' })).toBe(before + 10);
  });

  it('a host of an attached network is kept once it is resolved', async () => {
    await settled('10.0.1.2', 'to be kept', (found) => found?.use === 'attached' && found.mac !== null);
  });

  it('a permanent entry stays as it is', async () => {
    expect(kernelEntry('10.0.2.9')).toMatch(/lladdr 02:00:00:00:00:09 PERMANENT/);
    expect(await row('10.0.2.9')).toBeUndefined();
  });

  it('a MAC address that changes without a word is noticed', async () => {
    pair.server.ip('link set s0 address 02:00:00:00:00:77');
    for (const family of [4, 6] as const) {
      await settled(hop[family], 'to have the new MAC', (found) => found?.mac === '02:00:00:00:00:77');
      expect(answered(behind[family])).toBe(10);
    }
  });

  it('a next hop that dies is noticed, and again when it is back', async () => {
    const dead = 'table netdev dead { chain c { type filter hook ingress device "s0" priority 0; policy drop; }; }';
    pair.server.exec(['nft', '-f', '-'], { input: dead });
    for (const family of [4, 6] as const)
      await settled(hop[family], 'to be given up', (found) => found !== undefined && found.mac === null);
    expect(box.metrics()).toMatch(/headrace_neighbor_failures_total\{interface="p1"\} [1-9]/);
    pair.server.exec(['nft', 'delete', 'table', 'netdev', 'dead']);
    for (const family of [4, 6] as const) {
      await settled(hop[family], 'to be resolved again', (found) => found?.mac !== null && found !== undefined);
      expect(answered(behind[family])).toBe(10);
    }
  });

  it('an entry that is deleted, or made an ordinary one, is put back', async () => {
    const putBack = (): number => Number(/headrace_neighbors_put_back_total (\d+)/.exec(box.metrics())?.[1]);
    const before = putBack();
    pair.box.ip('neighbor delete 10.0.2.2 dev p1');
    await until('the entry to be put back', () => putBack() > before && /managed/.test(kernelEntry('10.0.2.2')));
    pair.box.ip('neighbor replace 10.0.2.2 lladdr 02:00:00:00:00:77 nud stale dev p1');
    await until('the entry to be kept again', () => /managed/.test(kernelEntry('10.0.2.2')));
    await settled('10.0.2.2', 'to be resolved', (found) => found?.mac === '02:00:00:00:00:77');
  });

  it('a route through another gateway has that one kept too, and the old one no longer as such', async () => {
    pair.server.address('s0', '10.0.2.3/24');
    pair.box.route('10.41.0.0/16 via 10.0.2.3');
    await settled('10.0.2.3', 'to be kept', (found) => found?.use === 'gateway' && found.mac !== null);
    pair.box.ip('nexthop add id 7 via 10.0.2.4 dev p1');
    await settled('10.0.2.4', 'to be asked for', (found) => found?.use === 'gateway');
    pair.box.ip('nexthop del id 7');
    await settled('10.0.2.4', 'to be let go', (found) => found === undefined);
    // It was still being asked for, of which the kernel tells nobody.
    await until('the kernel to have it no more', () => !/^10\.0\.2\.4 .*managed/m.test(pair.box.ip('neighbor show')));
  });

  it('a scan of an attached /16 is bounded', async () => {
    pair.client.exec(['ethtool', '-K', 'c0', 'tx', 'off']); // or the kernel gets all, to finish the checksums
    pair.box.address('p1', '10.50.0.1/16');
    const scan = `const s = require('dgram').createSocket('udp4'); let n = 0;
      const more = () => { for (let i = 0; i < 100; i++, n++) s.send('x', 9, '10.50.' + (1 + (n >> 8)) + '.' + (n & 255));
        n < 4000 ? setTimeout(more, 1) : setTimeout(() => s.close(), 50); }; more();`;
    const passed = (): number => box.packets({ interface: 'p0', verdict: 'pass', reason: 'no_neighbor' });
    const before = passed();
    const start = performance.now();
    pair.client.exec([process.execPath, '-e', scan]);
    const handedUp = passed() - before;
    const seconds = Math.floor((performance.now() - start) / 1000) + 2;
    expect(handedUp).toBeLessThanOrEqual(100 * seconds);
    expect(box.packets({ interface: 'p0', verdict: 'drop', reason: 'no_neighbor_limited' })).toBeGreaterThan(1000);
    const asked = pair.box.ip('neighbor show dev p1').match(/^10\.50\./gm)?.length ?? 0;
    expect(asked).toBeLessThanOrEqual(handedUp);
    expect(answered(behind[4])).toBe(10);
    expect(await row('10.50.1.1')).toBeUndefined();
  });

  it('neighbors lists them, under both spellings', () => {
    for (const command of ['neighbors', 'neighbours']) expect(box.cli(command).stdout).toMatch(/p1.*10\.0\.2\.2/);
    const listed = JSON.parse(box.cli('neighbors', '--json').stdout) as Row[];
    expect(listed.find(({ address }) => address === '10.0.2.2')).toMatchObject({ interface: 'p1', use: 'gateway' });
  });

  it('timers are those configured while the interface is ours, and the old ones afterwards', async () => {
    const reachable = (port: string): number =>
      Number(pair.box.exec(['cat', `/proc/sys/net/ipv4/neigh/${port}/base_reachable_time_ms`]).stdout);
    expect(reachable('p1')).toBe(2000);
    box.configure('version: 1\ndataplane:\n  interfaces:\n    - match: p0\nneighbors:\n  reachable: 3s\n');
    await box.reload();
    await until('the timers of p1 to be as before', () => reachable('p1') === 30_000);
    expect(reachable('p0')).toBe(3000);
    await until('the neighbors of p1 to be let go', async () => (await rows()).every((one) => one.interface === 'p0'));
    await box.kill();
    expect(box.detach().status).toBe(0);
    expect(reachable('p0')).toBe(30_000);
    expect(pair.box.ip('neighbor show')).not.toMatch(/managed/);
  });
});
