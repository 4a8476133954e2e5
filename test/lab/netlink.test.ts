import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { formatIp, formatMac, parseIp, RouteNetlink, StateMirror } from '../../controlplane/netlink/index.ts';

const name = `hrnl-${process.pid}`;
const netns = `/run/netns/${name}`;

function run(command: string, input?: string): string {
  const options = { encoding: 'utf8', ...(input === undefined ? {} : { input }) } as const;
  return execFileSync('nsenter', [`--net=${netns}`, 'sh', '-c', command], options);
}

function ip<T>(command: string): T[] {
  return JSON.parse(run(`ip -j ${command}`) || '[]') as T[];
}

beforeAll(() => {
  execFileSync('ip', ['netns', 'add', name]);
  run(
    `ip -batch -`,
    [
      'link set lo up',
      'link add dev a0 type veth peer name b0',
      'link set dev a0 up',
      'link set dev b0 up',
      'address add 10.9.0.1/24 dev a0',
      'address add 2001:db8::1/64 dev a0 nodad',
      'neighbor add 10.9.0.2 lladdr 02:00:00:00:00:02 dev a0',
      'route add 10.10.0.0/16 nexthop via 10.9.0.2 dev a0 weight 1 nexthop via 10.9.0.3 dev a0 weight 5',
      'route add 10.11.0.0/16 via inet6 fe80::9 dev a0',
      'route add 10.12.0.0/16 via 10.9.0.2 mtu lock 1300',
      'nexthop add id 5 via 10.9.0.2 dev a0',
      'route add 10.13.0.0/16 nhid 5',
      'route add blackhole 10.14.0.0/16 table 1000 proto 99',
      'rule add to 192.0.2.0/24 table 1000 priority 50',
    ].join('\n'),
  );
});

afterAll(() => {
  execFileSync('ip', ['netns', 'del', name]);
});

describe('RouteNetlink', () => {
  it('lists what ip lists', async () => {
    using netlink = RouteNetlink.open({ netns });
    const links = ip<{ ifindex: number; ifname: string; mtu: number; address: string }>('link');
    expect(netlink.links().map((l) => [l.index, l.name, l.mtu, formatMac(l.mac)])).toEqual(
      links.map((l) => [l.ifindex, l.ifname, l.mtu, l.address]),
    );
    const addresses = ip<{ addr_info: { local: string; prefixlen: number }[] }>('address');
    expect(
      netlink
        .addresses()
        .map((a) => `${formatIp(a.bytes)}/${a.prefixLength}`)
        .sort(),
    ).toEqual(addresses.flatMap((a) => a.addr_info.map((i) => `${i.local}/${i.prefixlen}`)).sort());
    expect(netlink.neighbors().find((n) => n.state === 'permanent')).toMatchObject({
      bytes: parseIp('10.9.0.2')!.bytes,
    });
    expect(netlink.nexthops().map((n) => n.id)).toEqual([5]);
    expect(netlink.rules().map((r) => r.priority)).toEqual([0, 50, 32766, 32767, 0, 32766]);
    let routes = 0;
    await netlink.routes(() => routes++);
    expect(routes).toBe(ip('-4 route show table all').length + ip('-6 route show table all').length);
  });

  it('answers as the kernel routes, and makes and takes away what it is told', () => {
    using netlink = RouteNetlink.open({ netns });
    const answer = netlink.getRoute(parseIp('10.12.1.1')!.bytes, { fibMatch: true });
    expect(answer).toMatchObject({ found: true, route: { prefixLength: 16, mtu: 1300, mtuLocked: true } });
    expect(netlink.getRoute(parseIp('172.16.0.1')!.bytes)).toMatchObject({ found: false, code: 'ENETUNREACH' });
    const multipath = netlink.getRoute(parseIp('10.10.0.1')!.bytes, { fibMatch: true });
    expect(multipath.found && multipath.route.hops.map((hop) => hop.weight)).toEqual([1, 5]);
    const route = {
      destination: parseIp('10.20.0.1')!.bytes,
      prefixLength: 32,
      table: 251,
      type: 'blackhole',
    } as const;
    netlink.addRoute(route);
    expect(() => netlink.addRoute(route)).toThrow(/EEXIST/);
    expect(ip('route show table 251')).toHaveLength(1);
    expect(netlink.deleteRoute(route)).toBe(true);
    expect(netlink.deleteRoute(route)).toBe(false);
    const ifindex = netlink.links().find((l) => l.name === 'a0')!.index;
    const bytes = parseIp('10.9.0.77')!.bytes;
    netlink.setNeighbor({ ifindex, bytes, managed: true, externLearn: true });
    expect(netlink.neighbors(ifindex).find((n) => n.bytes[3] === 77)).toMatchObject({
      managed: true,
      externLearn: true,
    });
    expect(netlink.deleteNeighbor({ ifindex, bytes })).toBe(true);
    netlink.setNeighborTable(4, ifindex, { baseReachableMs: 2000, delayProbeMs: 1000 });
    expect(netlink.neighborTables().find((t) => t.ifindex === ifindex && t.family === 4)).toMatchObject({
      baseReachableMs: 2000,
      delayProbeMs: 1000,
    });
  });

  it('reads a hundred thousand routes', async () => {
    const lines = Array.from(
      { length: 100_000 },
      (_, i) => `route add 100.${i >> 16}.${(i >> 8) & 255}.${i & 255} dev a0 table 77`,
    );
    run('ip -batch -', lines.join('\n'));
    using netlink = RouteNetlink.open({ netns });
    const start = performance.now();
    let count = 0;
    await netlink.routes(() => count++, { family: 4, table: 77 });
    console.log(`${Math.round(count / (performance.now() - start))}k routes a second`);
    expect(count).toBe(100_000);
  });
});

describe('StateMirror', () => {
  it('is right again after its queue overran, and leaves no descriptor', async () => {
    const before = readdirSync('/proc/self/fd').length;
    let resyncs = 0;
    const mirror = StateMirror.open({ netns, receiveBufferBytes: 4096, onResync: () => resyncs++ });
    try {
      const lines = Array.from(
        { length: 2000 },
        (_, i) => `neighbor add 10.9.${1 + (i >> 8)}.${i & 255} lladdr 02:00:00:00:00:02 dev a0`,
      );
      run('ip -batch -', lines.join('\n'));
      await vi.waitFor(() => expect(mirror.neighbors.size).toBe(mirror.netlink.neighbors().length), 20_000);
      expect(resyncs).toBeGreaterThan(0);
      expect(mirror.counters.overruns).toBeGreaterThan(0);
      run('ip link add dev late type veth peer name later');
      await vi.waitFor(() => expect(mirror.linkByName('late')).toBeDefined(), 10_000);
      run('ip link del dev late');
      await vi.waitFor(() => expect(mirror.linkByName('late')).toBeUndefined(), 10_000);
    } finally {
      mirror.close();
    }
    await vi.waitFor(() => expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2));
  });
});
