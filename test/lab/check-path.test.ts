/**
 * Checks through the forwarding path, to the VIP on each backend in every mode and both families: they pass where
 * clients' packets would arrive, and find what a direct check does not, a backend without the VIP on its loopback or with
 * its tunnel gone.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckReport } from '../../controlplane/health/index.ts';
import { Farm, PORT, vip4, vip6 } from './balancer/farm.ts';
import { type Headrace, type Host, headrace, Lab, until } from './library/index.ts';
import { headraceProgram } from './library/repository.ts';

/** A pool for each way; its backend is the one server of that name. */
const ways = [
  { pool: 'l2v4', mode: 'l2', backend: 4, vip: vip4 },
  { pool: 'l2v6', mode: 'l2', backend: 6, vip: vip6 },
  { pool: 'ipip44', mode: 'ipip', backend: 4, vip: vip4 },
  { pool: 'ipip46', mode: 'ipip', backend: 4, vip: vip6 },
  { pool: 'ipip64', mode: 'ipip', backend: 6, vip: vip4 },
  { pool: 'gue44', mode: 'gue', backend: 4, vip: vip4 },
  { pool: 'gue66', mode: 'gue', backend: 6, vip: vip6 },
  { pool: 'nat4', mode: 'nat', backend: 4, vip: vip4 },
  { pool: 'nat6', mode: 'nat', backend: 6, vip: vip6 },
] as const;
const timing = { interval: '300ms', fast_interval: '100ms', timeout: '300ms', rise: 1, fall: 2 };
/** The services' ports, which only in mode nat differ from the server's. */
const portOf = (i: number): number => (ways[i]!.mode === 'nat' ? 7100 + i : PORT);

describe('checks through the forwarding path', () => {
  let lab: Lab;
  let farm: Farm;
  let server: Host;
  let box: Headrace;

  const config = (): object => ({
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: {
      direct: { backends: { a: { address: farm.address('a') } }, check: { tcp: { port: PORT }, ...timing } },
      ...Object.fromEntries(
        ways.map(({ pool, mode, backend }, i) => [
          pool,
          {
            backends: { a: { address: farm.address('a', backend), ...(mode === 'nat' && { port: PORT }) } },
            check: {
              via: 'vip',
              tcp: { port: portOf(i) },
              udp: { port: portOf(i), send: 'x', expect: 'a x' },
              ...timing,
            },
          },
        ]),
      ),
    },
    services: {
      direct: { frontends: [{ vip: '198.51.100.99', tcp: [PORT] }], pool: 'direct', forward: { mode: 'l2' } },
      ...Object.fromEntries(
        ways.map(({ pool, mode, vip }, i) => [
          pool,
          {
            // All but those in mode nat have one port, so each has a VIP of its own, which the server has as well.
            frontends: [{ vip: address(vip, i), tcp: [portOf(i)], udp: [portOf(i)] }],
            pool,
            forward: { mode },
          },
        ]),
      ),
    },
  });
  const address = (vip: string, i: number): string =>
    vip === vip4 ? `198.51.100.${20 + i}` : `2001:db8:51::${20 + i}`;
  const checks = (): Promise<CheckReport[]> => box.ask<CheckReport[]>('/checks');
  const vips = ways.flatMap(({ vip, mode }, i) => (mode === 'nat' ? [] : [address(vip, i)]));
  const decap = (verb: string, ...words: readonly string[]): void => {
    server.exec([process.execPath, headraceProgram, 'decap', verb, '--instance', 'a', ...words], {
      env: { HEADRACE_RUN_DIR: server.runDirectory },
    });
  };

  beforeAll(async () => {
    lab = new Lab('checkpath');
    farm = new Farm(lab, ['a']);
    server = farm.servers.get('a')!;
    ways.forEach(({ vip, mode }, i) => {
      if (mode !== 'nat') server.address('lo', `${address(vip, i)}/${vip === vip4 ? 32 : 128}`);
    });
    await farm.serve('a', PORT, ...new Set([...vips, farm.address('a', 4), farm.address('a', 6)]));
    decap('run', '-i', 's0', ...vips.flatMap((vip) => ['--vip', vip]));
    for (const port of ['all', 'p0', 'p1']) farm.box.sysctl(`net.ipv4.conf.${port}.rp_filter`, port === 'all' ? 0 : 1);
    box = await headrace(farm.box, config());
  });
  afterAll(() => lab?.cleanup());

  const become = async (which: (report: CheckReport) => boolean, verdict: string): Promise<void> => {
    let seen: readonly CheckReport[] = [];
    await until(`those checks to be ${verdict}`, async () => {
      seen = (await checks()).filter(which);
      return seen.length > 0 && seen.every((one) => one.verdict === verdict);
    }).catch(() => expect(summary(seen)).toBe(verdict));
  };
  const summary = (all: readonly CheckReport[]): string[] =>
    all.map(({ pool, kind, verdict, last }) => `${pool} ${kind} ${verdict}: ${last?.detail}`);
  const ofPools = (test: RegExp) => (report: CheckReport) => test.test(report.pool);

  it('pass in every mode and family, and are seen', async () => {
    await become(() => true, 'up');
    expect(await checks()).toHaveLength(2 * ways.length + 1);
    // The programs that catch answers are no operator's filter, which would keep ports off the fast path.
    const { interfaces } = await box.ask<{ interfaces: { kernel: string | null }[] }>('/status');
    expect(interfaces.map(({ kernel }) => kernel)).toEqual([null, null]);
    const { stdout } = box.cli('backends');
    expect(stdout).toMatch(/^ipip46\/a .* tcp, udp at 2001:db8:51::23$/m);
    expect(stdout).toMatch(/^direct\/a .* 100\.0 % .* tcp$/m);
  });

  it('find a backend without the VIP, where a direct check finds nothing', async () => {
    server.ip(`address del ${address(vip4, 0)}/32 dev lo`);
    await become(ofPools(/^l2v4/), 'down');
    server.ip(`address add ${address(vip4, 0)}/32 dev lo`);
    await become(ofPools(/^l2v4/), 'up');
  });

  it('find a tunnel that is gone', async () => {
    decap('detach');
    await become(ofPools(/^(ipip|gue)/), 'down');
    await become(ofPools(/^(l2|nat|direct)/), 'up');
    expect((await checks()).filter(ofPools(/^direct/))[0]!.counts).toMatchObject({ failure: 0, timeout: 0 });
    decap('run', '-i', 's0', ...vips.flatMap((vip) => ['--vip', vip]));
    await become(() => true, 'up');
  });

  it('go on over a reload, and leave nothing', async () => {
    const pair = (): string[] =>
      (JSON.parse(farm.box.ip('-j link show type veth')) as { ifname: string }[])
        .map(({ ifname }) => ifname)
        .filter((name) => name.startsWith('hrc-'));
    const before = (await checks())[0]!.counts;
    await box.reload();
    await until('another success', async () => (await checks())[0]!.counts.success > before.success);
    expect((await checks())[0]!.counts).toMatchObject({ failure: before.failure, timeout: before.timeout });
    await box.kill();
    expect(pair()).toHaveLength(2);
    box.detach();
    expect(pair()).toEqual([]);
    expect(farm.box.ip('route show 240.0.0.0/16')).toBe('');
  });
});
