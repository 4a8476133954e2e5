/**
 * Two routers that are the same in everything but one: in `kernel` the kernel forwards, in `headrace` the packet path
 * does. Same names, addresses, MACs, routes and neighbors, so that whatever leaves a port may be compared byte for byte.
 *
 * Each port's far end stands in a stub namespace that has no addresses and never answers. Neighbors are permanent
 * where nothing else is wanted, and ICMP is not rate limited.
 *
 *   p0  where most packets come in     p4  forwarding off              p7  jumbo, a way out
 *   p1  way out, one leg of multipath  p5  far end takes no XDP frame  q8  not a port of Headrace's
 *   p2  other leg; strict rp_filter    p6  jumbo, a way in
 *   p3  MTU 1300                       p9  with rules of the operator's on both sides
 */
import type { Host, Lab } from '../library/index.ts';

export interface PortPlan {
  readonly name: string;
  readonly mtu: number;
  readonly takesXdpFrames: boolean;
  /** rp_filter = 1 */
  readonly strict?: boolean;
  /** rp_filter = 2 */
  readonly loose?: boolean;
  /** nftables rules see what arrives and what leaves here. */
  readonly ruled?: boolean;
}

export const ports: readonly PortPlan[] = [
  { name: 'p0', mtu: 1500, takesXdpFrames: true },
  { name: 'p1', mtu: 1500, takesXdpFrames: true },
  { name: 'p2', mtu: 1500, takesXdpFrames: true, strict: true },
  { name: 'p3', mtu: 1300, takesXdpFrames: true },
  { name: 'p4', mtu: 1500, takesXdpFrames: true },
  { name: 'p5', mtu: 1500, takesXdpFrames: false },
  { name: 'p6', mtu: 9000, takesXdpFrames: true, loose: true },
  { name: 'p7', mtu: 9000, takesXdpFrames: true },
  { name: 'q8', mtu: 1500, takesXdpFrames: true },
  { name: 'p9', mtu: 1500, takesXdpFrames: true, strict: true, ruled: true },
];

/** Drops by destination, and a rejection, for what arrives by p9; a drop for what leaves by it. */
const ruleset = `
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "p9" ip daddr 198.51.100.0/25 drop
    iifname "p9" ip6 daddr 2001:db8:100::/121 counter drop
    iifname "p9" ip daddr 203.0.113.0/24 counter reject with icmp type admin-prohibited
  }
}
table netdev out {
  chain leaving {
    type filter hook egress device "p9" priority 0; policy accept;
    ip daddr 198.18.10.0/25 drop
    ip6 daddr 2001:db8:10::/121 drop
  }
}
`;

/** MAC address of the router's port, and of the host behind it. */
export const routerMac = (port: number): string => `02:00:00:00:0${port}:01`;
export const hostMac = (port: number): string => `02:00:00:00:0${port}:02`;

/** Last numbers of the hosts behind a port that send: the router knows their MACs, so that its answers come out. */
export const senders = [2, 50, 51, 52, 53, 54, 55, 56, 57, 58] as const;

const routes = `
route add default via 10.0.1.2
route add 198.51.100.0/24 via 10.0.1.2
route add 198.18.0.0/24 nexthop via 10.0.1.2 nexthop via 10.0.2.2
route add 198.18.1.0/24 via 10.0.8.2
route add 198.18.2.0/24 via 10.0.0.2
route add 198.18.3.0/24 via inet6 fd00:1::2 dev p1
route add 198.18.5.0/24 via 10.0.1.2 mtu lock 1400
route add 198.18.6.0/24 via 10.0.1.2 mtu 1400
route add 198.18.7.0/24 via 10.0.2.2 tos 0x10
route add 198.18.7.0/24 via 10.0.1.2
route add 198.18.8.0/24 via 10.0.5.2
route add 198.18.9.0/24 via 10.0.7.2
route add 198.18.10.0/24 via 10.0.9.2
route add 203.0.113.0/24 via 10.0.3.2
route add 172.16.0.0/16 via 10.0.1.2
route add 172.17.0.0/16 via 10.0.2.2
route add blackhole 192.0.2.0/28
route add unreachable 192.0.2.16/28
route add prohibit 192.0.2.32/28
route add throw 192.0.2.48/28
route add default via fd00:1::2
route add 2001:db8:100::/48 via fd00:1::2
route add 2001:db8:ec::/48 nexthop via fd00:1::2 nexthop via fd00:2::2
route add 2001:db8:8::/48 via fd00:8::2
route add 2001:db8:1a::/48 via fd00::2
route add 2001:db8:5::/48 via fd00:1::2 mtu lock 1400
route add 2001:db8:6::/48 via fd00:1::2 mtu 1400
route add 2001:db8:58::/48 via fd00:5::2
route add 2001:db8:9::/48 via fd00:7::2
route add 2001:db8:10::/48 via fd00:9::2
route add 2001:db8:203::/48 via fd00:3::2
route add blackhole 2001:db8:bad:1::/64
route add unreachable 2001:db8:bad:2::/64
route add prohibit 2001:db8:bad:3::/64
`;

/** Routes that need kernel features not every kernel has: both boxes get them, or neither. */
const optionalRoutes = [
  '-6 route add 2001:db8:5e6::/48 encap seg6 mode encap segs fd00:1::99 dev p1',
  'route add 198.18.4.0/24 encap ip id 5 dst 10.0.1.2 dev p1',
];

export interface Box {
  readonly router: Host;
  /** Holds the far ends f0, f1, … */
  readonly stub: Host;
}

function kernelSettings(router: Host): void {
  const icmpSettings = ['icmp_ratelimit 0', 'icmp_ratemask 0', 'icmp_msgs_per_sec 1000000', 'icmp_msgs_burst 1000000'];
  router.exec([
    'sh',
    '-c',
    `cd /proc/sys/net; put() { [ ! -e "$1" ] || echo "$2" > "$1" 2>/dev/null || :; }
     ${icmpSettings.map((setting) => `put ipv4/${setting}`).join('; ')}
     put ipv6/icmp/ratelimit 0
     put ipv4/fib_multipath_hash_policy 1; put ipv6/fib_multipath_hash_policy 1
     ${ports.flatMap(({ name, strict, loose }) => (strict || loose ? [`put ipv4/conf/${name}/rp_filter ${strict ? 1 : 2}`] : [])).join('; ')}
     put ipv4/conf/p4/forwarding 0; put ipv6/conf/p4/forwarding 0
     for family in ipv4 ipv6; do for port in ${ports.map(({ name }) => name).join(' ')}; do
       put $family/neigh/$port/mcast_solicit 1; put $family/neigh/$port/ucast_solicit 1
       put $family/neigh/$port/retrans_time_ms 100; put $family/neigh/$port/unres_qlen 1000
       put $family/conf/$port/autoconf 0
     done; done`,
  ]);
}

function batch(router: Host, family: '-4' | '-6', lines: readonly string[]): void {
  router.exec(['ip', family, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Builds one router with its stub. */
export function buildBox(lab: Lab, name: string): Box {
  const router = lab.host(name);
  const stub = lab.host(`${name}stub`);
  stub.sysctl('net.ipv6.conf.all.disable_ipv6', 1);
  stub.sysctl('net.ipv6.conf.default.disable_ipv6', 1);
  router.forward();
  ports.forEach((port, i) => {
    lab.link(router, port.name, stub, `f${i}`, { mtu: port.mtu, gro: port.takesXdpFrames });
    if (!port.takesXdpFrames) stub.exec(['ethtool', '-K', `f${i}`, 'gro', 'off'], { mayFail: true });
    router.exec(['sh', '-c', `ip link set ${port.name} down; ip link set ${port.name} address ${routerMac(i)} up`]);
    stub.ip(`link set f${i} address ${hostMac(i)}`);
  });
  kernelSettings(router);
  const four: string[] = [];
  const six: string[] = [];
  ports.forEach((port, i) => {
    const group = i === 0 ? '' : `${i}`;
    four.push(`address add 10.0.${i}.1/24 brd + dev ${port.name}`);
    six.push(`address add fd00:${group}::1/64 dev ${port.name} nodad`.replace('fd00:::', 'fd00::'));
    for (const sender of senders) {
      const known = `lladdr ${hostMac(i)} dev ${port.name} nud permanent`;
      four.push(`neigh replace 10.0.${i}.${sender} ${known}`);
      six.push(`neigh replace fd00:${group}::${sender} ${known}`.replace('fd00:::', 'fd00::'));
    }
  });
  for (const [last, state] of [
    [10, 'stale'],
    [11, 'reachable'],
    [12, 'noarp'],
  ] as const) {
    four.push(`neigh replace 10.0.1.${last} lladdr ${hostMac(1)} dev p1 nud ${state}`);
    six.push(`neigh replace fd00:1::${last} lladdr ${hostMac(1)} dev p1 nud ${state}`);
  }
  const all = routes.trim().split('\n');
  batch(router, '-6', [...six, ...all.filter(isSix)]);
  // IPv6 first, for IPv4 routes via its next hops.
  batch(router, '-4', [...four, ...all.filter((line) => !isSix(line))]);
  for (const route of optionalRoutes) router.ip(route, { mayFail: true });
  router.exec(['nft', '-f', '-'], { input: ruleset });
  return { router, stub };
}

function isSix(line: string): boolean {
  return line.includes('::') && !line.includes('via inet6');
}
