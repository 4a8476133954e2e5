/**
 * The demo's Internet: two networks, a provider at each, and a box between that Headrace makes fast.
 *
 *     home ── west (BIRD) ── p0  box (BIRD, Headrace)  p1 ── east (FRR) ── web
 *                            p2 │                  │ p3
 *                           generator             sink
 *
 * Routes to home and web, of both families, travel by BGP over the box. Generator and sink stand at the box itself, for
 * its packet rate to be measured on one CPU without other routers in the way.
 */
import { Bird, Frr, type Host, type Lab, until } from '../../test/lab/library/index.ts';

export interface Internet {
  readonly home: Host;
  readonly box: Host;
  readonly web: Host;
  readonly generator: Host;
  readonly sink: Host;
}

const TIMERS = 'connect delay time 1; connect retry time 1; error wait time 1, 2;';

const WEST = `router id 10.0.1.2;
protocol device {}
protocol direct { ipv4; ipv6; interface "w0"; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol bgp box4 { local 10.0.1.2 as 65001; neighbor 10.0.1.1 as 65000; ${TIMERS} ipv4 { import all; export where source = RTS_DEVICE; }; }
protocol bgp box6 { local fd00:1::2 as 65001; neighbor fd00:1::1 as 65000; ${TIMERS} ipv6 { import all; export where source = RTS_DEVICE; }; }
`;

const BOX = `router id 10.0.1.1;
protocol device {}
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
protocol kernel { ipv6 { import none; export where source = RTS_BGP; }; }
protocol bgp west4 { local 10.0.1.1 as 65000; neighbor 10.0.1.2 as 65001; ${TIMERS} ipv4 { import all; export all; }; }
protocol bgp west6 { local fd00:1::1 as 65000; neighbor fd00:1::2 as 65001; ${TIMERS} ipv6 { import all; export all; }; }
protocol bgp east4 { local 10.0.2.1 as 65000; neighbor 10.0.2.2 as 65002; ${TIMERS} ipv4 { import all; export all; }; }
protocol bgp east6 { local fd00:2::1 as 65000; neighbor fd00:2::2 as 65002; ${TIMERS} ipv6 { import all; export all; }; }
`;

const EAST = `router bgp 65002
 bgp router-id 10.0.2.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor 10.0.2.1 remote-as 65000
 neighbor 10.0.2.1 timers connect 1
 neighbor fd00:2::1 remote-as 65000
 neighbor fd00:2::1 timers connect 1
 address-family ipv4 unicast
  neighbor 10.0.2.1 activate
  network 10.2.0.0/24
 exit-address-family
 address-family ipv6 unicast
  neighbor fd00:2::1 activate
  network fd02::/64
 exit-address-family
`;

const WEB_SERVER = `require('node:http').createServer((q, r) => r.end(Buffer.alloc(1 << 18, 'x'))).listen(80, '::', () => console.log('up'))`;

/** Builds hosts, links and daemons, and waits until home and web know each other's networks. */
export async function buildInternet(lab: Lab): Promise<Internet> {
  const names = ['home', 'west', 'box', 'east', 'web', 'generator', 'sink'] as const;
  const [home, west, box, east, web, generator, sink] = names.map((name) => lab.host(name)) as [
    Host,
    Host,
    Host,
    Host,
    Host,
    Host,
    Host,
  ];
  const near = { gro: true };
  lab.link(home, 'h0', west, 'w0', near);
  lab.link(west, 'w1', box, 'p0', near);
  lab.link(box, 'p1', east, 'e1', near);
  lab.link(east, 'e0', web, 'b0', near);
  lab.link(generator, 'g0', box, 'p2', near);
  lab.link(box, 'p3', sink, 's0', near);
  // Senders finish their checksums and segments themselves, as they would before a real cable.
  for (const [host, name] of [
    [home, 'h0'],
    [west, 'w0'],
    [west, 'w1'],
    [east, 'e1'],
    [east, 'e0'],
    [web, 'b0'],
  ] as const)
    host.exec(['ethtool', '-K', name, 'tx', 'off']);
  home.address('h0', '10.1.0.2/24', 'fd01::2/64');
  west.address('w0', '10.1.0.1/24', 'fd01::1/64');
  west.address('w1', '10.0.1.2/24', 'fd00:1::2/64');
  box.address('p0', '10.0.1.1/24', 'fd00:1::1/64');
  box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
  east.address('e1', '10.0.2.2/24', 'fd00:2::2/64');
  east.address('e0', '10.2.0.1/24', 'fd02::1/64');
  web.address('b0', '10.2.0.2/24', 'fd02::2/64');
  home.route('default via 10.1.0.1');
  home.route('default via fd01::1');
  web.route('default via 10.2.0.1');
  web.route('default via fd02::1');
  for (const router of [west, box, east]) router.forward();
  box.address('p2', '192.0.2.1/24');
  box.address('p3', '198.51.100.1/24');
  box.ip(`neighbor replace 198.51.100.2 lladdr ${sink.mac('s0')} dev p3 nud permanent`);
  box.ip(`neighbor replace 192.0.2.2 lladdr ${generator.mac('g0')} dev p2 nud permanent`);
  box.route('203.0.113.0/24 via 198.51.100.2');
  await Promise.all([
    Bird.start(west, WEST),
    Bird.start(box, BOX),
    Frr.start(east, EAST),
    web.spawn([process.execPath, '-e', WEB_SERVER]).line(/^up$/),
  ]);
  for (const [host, prefix] of [
    [west, '10.2.0.0/24'],
    [west, 'fd02::/64'],
    [east, '10.1.0.0/24'],
    [east, 'fd01::/64'],
  ] as const)
    await until(
      `${host.name} to learn ${prefix} by BGP`,
      () => host.ip(`${prefix.includes(':') ? '-6 ' : ''}route show ${prefix}`).includes('proto b'),
      { timeoutMs: 60_000, everyMs: 200 },
    );
  for (const address of ['10.2.0.2', 'fd02::2'])
    await until(
      `home to reach web at ${address}`,
      () => home.exec(['ping', '-c', '1', '-W', '1', address], { mayFail: true }).status === 0,
    );
  return { home, box, web, generator, sink };
}
