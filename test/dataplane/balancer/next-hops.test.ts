/** The balancer's ways and routes in a namespace of their own: what is followed, what is kept, what is made. */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BALANCER_PROTOCOL, KernelNextHops } from '../../../controlplane/balancer/next-hops.ts';
import { VIP_ROUTE_PROTOCOL, VipRoutes } from '../../../controlplane/balancer/vip-routes.ts';
import { OUR_PROTOCOL } from '../../../controlplane/neighbors/desired.ts';
import { parseIp, RouteNetlink } from '../../../controlplane/netlink/index.ts';
import { until } from '../../lab/library/wait.ts';
import { TestRouter } from '../router.ts';

let router: TestRouter;
let hops: KernelNextHops | undefined;
beforeAll(() => {
  router = new TestRouter();
});
afterEach(() => {
  hops?.close();
  hops = undefined;
});
afterAll(() => router?.close());

const follow = (...addresses: string[]): KernelNextHops => {
  hops = router.inside(() => new KernelNextHops() as never) as unknown as KernelNextHops;
  hops.follow(addresses);
  return hops;
};

describe('the next hop of a backend', () => {
  it('is another when a policy rule is', async () => {
    router.ip('route add default via 10.0.3.2 table 77');
    const ours = follow('198.51.100.7');
    expect(ours.get('198.51.100.7')?.ifindex).toBe(router.ifindex('out0'));
    router.ip('rule add to 198.51.100.7 lookup 77 pref 50');
    await until('the rule to be followed', () => ours.get('198.51.100.7')?.ifindex === router.ifindex('out1'));
    router.ip('rule del to 198.51.100.7 lookup 77 pref 50');
    await until('its end to be followed', () => ours.get('198.51.100.7')?.ifindex === router.ifindex('out0'));
  });

  it('is another when its next-hop object is', async () => {
    router.sysctl('ipv4/nexthop_compat_mode', 0); // no word about the routes
    router.ip(`nexthop add id 5 via 10.0.2.2 dev out0
      route add 198.18.77.0/24 nhid 5`);
    const ours = follow('198.18.77.7');
    expect(ours.get('198.18.77.7')?.ifindex).toBe(router.ifindex('out0'));
    router.ip('nexthop replace id 5 via 10.0.3.2 dev out1');
    await until('the object to be followed', () => ours.get('198.18.77.7')?.ifindex === router.ifindex('out1'));
  });
});

describe('a neighbor that backends are reached by', () => {
  it('is the balancer’s while it needs it, and the keeper’s before and after', () => {
    const netlink = router.inside(() => RouteNetlink.open() as never) as unknown as RouteNetlink;
    const { bytes } = parseIp('10.0.2.50')!;
    const protocolOf = () => {
      const found = netlink.neighbors().find((each) => Buffer.from(each.bytes).equals(Buffer.from(bytes)));
      return found && { protocol: found.protocol, managed: found.managed };
    };
    netlink.setNeighbor({
      ...{ ifindex: router.ifindex('out0'), bytes, managed: true, externLearn: true, protocol: OUR_PROTOCOL },
    });
    expect(protocolOf()).toEqual({ protocol: OUR_PROTOCOL, managed: true });
    const ours = follow('10.0.2.50', '10.0.2.2');
    expect(protocolOf()).toEqual({ protocol: BALANCER_PROTOCOL, managed: true });
    ours.follow(['10.0.2.2']);
    expect(protocolOf()).toEqual({ protocol: OUR_PROTOCOL, managed: true });
    netlink.close();
  });
});

describe('routes of VIPs', () => {
  it('are those of the last call, however many there are at once', async () => {
    const routes = router.inside(() => new VipRoutes() as never) as unknown as VipRoutes;
    const lists = [
      ['192.0.2.100/32', '192.0.2.101/32'],
      [],
      ['192.0.2.102/32'],
      ['192.0.2.103/32', '2001:db8:1::1/128'],
    ];
    routes.forget();
    const failed = await Promise.all(lists.map((vips) => routes.apply(vips)));
    expect(failed).toEqual([[], [], [], []]);
    const there = (family: '-4' | '-6') =>
      router
        .inside(() =>
          execFileSync('ip', [family, 'route', 'show', 'proto', String(VIP_ROUTE_PROTOCOL)], { encoding: 'utf8' }),
        )
        .split('\n')
        .filter((line) => line.includes('blackhole'))
        .map((line) => line.split(/ +/)[1]);
    expect(there('-4')).toEqual(['192.0.2.103']);
    expect(there('-6')).toEqual(['2001:db8:1::1']);
    routes.close();
  });
});
