/**
 * Routes that routing daemons exchange over BGP are what Headrace forwards by, because they end in the kernel:
 *
 *     west (BIRD) ── p0  box: BIRD and FRR  p1 ── east (FRR)
 *
 * On the box, BIRD speaks with west and FRR with east; each daemon learns the other's routes from the kernel.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bird, Frr, type Headrace, type Host, headrace, Lab, minimalConfig, Stream, until } from './library/index.ts';

const TIMERS = 'connect delay time 1; connect retry time 1; error wait time 1, 2; strict bind yes;';

const WEST = `
router id 10.0.1.2;
protocol device { scan time 1; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol static net4 { ipv4; route 10.10.0.0/16 blackhole; }
protocol static net6 { ipv6; route fd10::/32 blackhole; }
protocol bgp box4 { local 10.0.1.2 as 65001; neighbor 10.0.1.1 as 65000; ${TIMERS} ipv4 { import all; export where source = RTS_STATIC; }; }
protocol bgp box6 { local fd00:1::2 as 65001; neighbor fd00:1::1 as 65000; ${TIMERS} ipv6 { import all; export where source = RTS_STATIC; }; }
`;

const BOX_BIRD = `
router id 10.0.1.1;
protocol device { scan time 1; }
protocol kernel { learn; scan time 1; ipv4 { import all; export where source = RTS_BGP; }; }
protocol kernel { learn; scan time 1; ipv6 { import all; export where source = RTS_BGP; }; }
protocol bgp west4 { local 10.0.1.1 as 65000; neighbor 10.0.1.2 as 65001; ${TIMERS} ipv4 { import all; export where source = RTS_INHERIT; next hop self; }; }
protocol bgp west6 { local fd00:1::1 as 65000; neighbor fd00:1::2 as 65001; ${TIMERS} ipv6 { import all; export where source = RTS_INHERIT; next hop self; }; }
`;

const frr = (own: number, id: string, peer: number, peers: readonly [string, string], words: string): string => `
router bgp ${own}
 bgp router-id ${id}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor ${peers[0]} remote-as ${peer}
 neighbor ${peers[0]} timers connect 1
 neighbor ${peers[1]} remote-as ${peer}
 neighbor ${peers[1]} timers connect 1
 address-family ipv4 unicast
  neighbor ${peers[0]} activate
  ${words.replaceAll('NET', '10.20.0.0/16')}
 exit-address-family
 address-family ipv6 unicast
  neighbor ${peers[1]} activate
  ${words.replaceAll('NET', 'fd20::/32')}
 exit-address-family
`;

const FLOWS = {
  4: { source: '10.10.0.1', destination: '10.20.0.1' },
  6: { source: 'fd10::1', destination: 'fd20::1' },
} as const;

describe('BIRD and FRR around a Headrace box', () => {
  let lab: Lab;
  let west: Host;
  let box: Host;
  let east: Host;
  let westBird: Bird;
  let eastFrr: Frr;
  let router: Headrace;

  const routes = (host: Host, prefix: string): string =>
    host.ip(`${prefix.includes(':') ? '-6 ' : ''}route show ${prefix}`).trim();

  beforeAll(async () => {
    lab = new Lab('bgp');
    west = lab.host('west');
    box = lab.host('box');
    east = lab.host('east');
    lab.link(west, 'w0', box, 'p0', { gro: true });
    lab.link(box, 'p1', east, 'e0', { gro: true });
    west.address('w0', '10.0.1.2/24', 'fd00:1::2/64');
    box.address('p0', '10.0.1.1/24', 'fd00:1::1/64');
    box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
    east.address('e0', '10.0.2.2/24', 'fd00:2::2/64');
    west.address('lo', '10.10.0.1/32', 'fd10::1/128');
    east.address('lo', '10.20.0.1/32', 'fd20::1/128');
    box.forward();
    router = await headrace(box, minimalConfig);
    [westBird, , , eastFrr] = await Promise.all([
      Bird.start(west, WEST),
      Bird.start(box, BOX_BIRD),
      Frr.start(box, frr(65000, '10.0.1.1', 65002, ['10.0.2.2', 'fd00:2::2'], 'redistribute kernel'), {
        listen: ['10.0.2.1', 'fd00:2::1'],
      }),
      Frr.start(east, frr(65002, '10.0.2.2', 65000, ['10.0.2.1', 'fd00:2::1'], 'network NET')),
    ]);
  });
  afterAll(() => lab?.cleanup());

  it('routes of both families go from daemon to daemon through the kernel', async () => {
    for (const prefix of ['10.10.0.0/16', 'fd10::/32']) {
      await until(`the box to learn ${prefix} by BIRD`, () => routes(box, prefix).includes('proto bird'), {
        timeoutMs: 40_000,
      });
      await until(`east to learn ${prefix}`, () => routes(east, prefix).includes('proto bgp'), { timeoutMs: 40_000 });
    }
    for (const prefix of ['10.20.0.0/16', 'fd20::/32']) {
      await until(`the box to learn ${prefix} by FRR`, () => routes(box, prefix).includes('proto bgp'), {
        timeoutMs: 40_000,
      });
      await until(`west to learn ${prefix}`, () => routes(west, prefix).includes('proto bird'), { timeoutMs: 40_000 });
    }
  });

  it.each([4, 6] as const)('an IPv%i route is withdrawn and learned again under traffic', async (family) => {
    const [network, address] = family === 4 ? ['10.20.0.0/16', 'ipv4'] : ['fd20::/32', 'ipv6'];
    // West keeps sending whatever it hears of the route: only the box reacts.
    west.route(family === 4 ? '10.20.0.1/32 via 10.0.1.1' : 'fd20::1/128 via fd00:1::1');
    const stream = await Stream.start(west, east, FLOWS[family]);
    await stream.flow(200);
    expect(router.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' })).toBeGreaterThan(100);

    const bgp = ['router bgp 65002', `address-family ${address} unicast`];
    eastFrr.configure(...bgp, `no network ${network}`);
    await until('the box to lose the route', () => routes(box, network) === '', { timeoutMs: 40_000 });
    await until('west to lose the route', () => routes(west, network) === '', { timeoutMs: 40_000 });
    const withdrawn = router.packets({ interface: 'p0', verdict: 'pass', reason: 'local' });
    await until(
      'packets to find no route',
      () => router.packets({ interface: 'p0', verdict: 'pass', reason: 'local' }) > withdrawn + 100,
    );

    eastFrr.configure(...bgp, `network ${network}`);
    await until('the box to learn the route again', () => routes(box, network).includes('proto bgp'), {
      timeoutMs: 40_000,
    });
    const forwarded = router.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' });
    await stream.flow(300);
    expect(router.packets({ interface: 'p0', verdict: 'redirect', reason: 'forwarded' })).toBeGreaterThan(
      forwarded + 200,
    );
    expect(await stream.stop()).toMatchObject({ duplicates: 0 });
  });

  it('a route of the BIRD side is withdrawn and learned again', async () => {
    for (const [protocol, prefix] of [
      ['net4', '10.10.0.0/16'],
      ['net6', 'fd10::/32'],
    ] as const) {
      westBird.command('disable', protocol);
      await until(`east to lose ${prefix}`, () => routes(east, prefix) === '', { timeoutMs: 40_000 });
      westBird.command('enable', protocol);
      await until(`east to learn ${prefix} again`, () => routes(east, prefix).includes('proto bgp'), {
        timeoutMs: 40_000,
      });
    }
  });
});
