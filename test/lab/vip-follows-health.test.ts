/**
 * From a server that dies to a neighbor that knows: the real daemon checks a real server over TCP, and a neighboring
 * BIRD loses the VIP and gets it back, by the configuration the guide gives.
 *
 *     up (BIRD) u0 ── p0 box: Headrace and BIRD p1 ── s0 server: an echo
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snippet } from './library/announce-lab.ts';
import { Bird } from './library/bird.ts';
import { type Headrace, type Host, headrace, Lab, type Process, until } from './library/index.ts';
import { repository } from './library/repository.ts';

const VIP = '198.51.100.10';
const PORT = 7000;
const TIMERS = 'connect delay time 1; connect retry time 1; error wait time 1, 2;';
const UP = `
router id 10.0.1.2;
protocol device { }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol bgp box4 { local 10.0.1.2 as 65001; neighbor 10.0.1.1 as 65000; ${TIMERS} ipv4 { import all; export none; }; }
`;

describe('a VIP', () => {
  let lab: Lab;
  let up: Host;
  let box: Headrace;
  let server: Host;
  let echo: Process;

  const serve = async (): Promise<void> => {
    const script = `${repository}/dist/test/lab/balancer/echo-server.js`;
    echo = server.spawn([process.execPath, script, 'a', String(PORT), VIP]);
    await echo.line(/^ready/);
  };
  const route = (): string => up.ip(`route show ${VIP}`).trim();
  const known = (present: boolean): Promise<unknown> =>
    until(`the neighbor to ${present ? 'have' : 'lose'} the VIP`, () => (route() !== '') === present, {
      everyMs: 50,
      timeoutMs: 30_000,
    });
  /** One connection to the VIP: what the server says. */
  const ask = (): string =>
    up.exec(['bash', '-c', `exec 3<>/dev/tcp/${VIP}/${PORT}; printf hello >&3; timeout 5 head -c 7 <&3`], {
      mayFail: true,
    }).stdout;

  beforeAll(async () => {
    lab = new Lab('vipfollows');
    up = lab.host('up');
    const router = lab.host('box');
    server = lab.host('server');
    lab.link(up, 'u0', router, 'p0', { gro: true });
    lab.link(router, 'p1', server, 's0', { gro: true });
    up.exec(['ethtool', '-K', 'u0', 'tx', 'off']);
    up.address('u0', '10.0.1.2/24');
    router.address('p0', '10.0.1.1/24');
    router.address('p1', '10.0.2.1/24');
    router.forward();
    server.address('s0', '10.0.2.2/24');
    server.address('lo', `${VIP}/32`);
    server.route('default via 10.0.2.1');
    await serve();
    box = await headrace(router, {
      version: 1,
      dataplane: { interfaces: [{ match: 'p*' }] },
      pools: {
        web: {
          backends: { a: { address: '10.0.2.2' } },
          check: { tcp: { port: PORT }, interval: '300ms', fast_interval: '100ms', timeout: '1s', rise: 2, fall: 2 },
        },
      },
      services: {
        www: {
          frontends: [{ vip: VIP, tcp: [PORT] }],
          pool: 'web',
          forward: { mode: 'l2' },
          balance: { table: 1021 },
        },
      },
      announce: { startup_hold: '0s' },
    });
    const bird = snippet('bird').replaceAll(/^( {2}local .*)$/gm, `$1\n  ${TIMERS}`);
    const [there] = await Promise.all([Bird.start(up, UP), Bird.start(router, bird)]);
    await there.up('box4');
  });
  afterAll(() => lab?.cleanup());

  it('is known to the neighbor once its server was found to live, and is served', async () => {
    await known(true);
    expect(route()).toMatch(/^198\.51\.100\.10 via 10\.0\.1\.1 dev u0 proto bird/);
    expect(ask()).toBe('a hello');
  });

  it('is withdrawn when the server dies', async () => {
    await echo.kill('SIGKILL');
    await known(false);
    const [www] = await box.ask<{ service: string; up: boolean }[]>('/services');
    expect(www).toMatchObject({ service: 'www', up: false });
    expect(box.host.exec(['ip', 'route', 'show', 'table', '231'], { mayFail: true }).stdout).not.toContain(VIP);
  });

  it('comes back with it', async () => {
    await serve();
    await known(true);
    await until('the service to answer', () => ask() === 'a hello');
    expect(box.packets({ reason: 'balanced' })).toBeGreaterThan(4);
  });
});
