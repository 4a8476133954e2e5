/** The mirror of the kernel's routes on a running box: whatever happens, the packet path goes where the kernel goes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatIp, netlinkConstants, parseIp, RouteNetlink } from '../../controlplane/netlink/index.ts';
import { MulticastSocket } from '../../controlplane/netlink/multicast-socket.ts';
import { DumpSeams } from '../../controlplane/routing/mirror/dump-seams.ts';
import { dumpRoutes } from '../../controlplane/routing/mirror/route-dump.ts';
import { Sampler } from '../../controlplane/routing/mirror/sampler.ts';
import { seamWatcher } from '../../controlplane/routing/mirror/seam-watcher.ts';
import {
  addressPort,
  fullTableBox,
  gateway,
  gatewayMac,
  type Headrace,
  type Host,
  headrace,
  ipBatch,
  Lab,
  minimalConfig,
  mirrorOf,
  mirrorValid,
  Prober,
  until,
} from './library/index.ts';

/** Neighbors are the test's to change, and nobody else's. */
const configWith = (fib: 'helper' | 'mirror'): string =>
  `${minimalConfig}neighbors: { keep: false, unresolved_per_second: 0 }\nrouter:\n  fib: ${fib}\n`;

const wordsOf = (text: string): Uint32Array => {
  const { bytes } = parseIp(text)!;
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => new DataView(bytes.buffer).getUint32(4 * i));
};

const address = (text: string): Uint8Array => parseIp(text)!.bytes;

describe('a dump of IPv4 routes', () => {
  it('finds out that the kernel skipped routes in a dump, when others of their address went between two parts', async () => {
    await using lab = new Lab('mirrordump');
    const host = lab.host('many');
    lab.link(host, 'm0', lab.host('far'), 'm1');
    host.address('m0', '10.77.0.1/24');
    const metrics = Array.from({ length: 1500 }, (_, i) => i + 1);
    ipBatch(
      host,
      metrics.map((metric) => `route add 192.0.2.0/24 metric ${metric} dev m0`),
    );
    const seen = new Set<number>();
    const seams = new DumpSeams();
    let reading: Promise<boolean | undefined> | undefined;
    host.inNamespace(() => {
      const seamOf = seamWatcher(seams, new Map());
      const socket = MulticastSocket.open({
        groups: [netlinkConstants.multicastGroups.route4],
        onMessage: (view, type, flags, _sequence, start, end) => seamOf(view, type, flags, start, end),
        onOverrun: () => expect.unreachable(),
      });
      // Nothing below waits, so all of it happens in this namespace.
      reading = dumpRoutes({
        family: 4,
        table: 254,
        visit: ({ priority }) => seen.add(priority),
        onPart: (first, last) => void seams.part(first, last),
        onApplied: () => {
          if (seen.size < 100)
            ipBatch(
              host,
              metrics.slice(0, 20).map((metric) => `route delete 192.0.2.0/24 metric ${metric} dev m0`),
              true,
            );
          seams.taken(socket.drain());
        },
        cancelled: () => false,
        breathe: () => undefined,
      });
      socket.close();
    });
    await reading;
    expect(metrics.some((metric) => !seen.has(metric))).toBe(true);
    expect([seams.torn, seams.unsure]).toEqual([true, false]);
  });
});

describe('the mirror of the routes', () => {
  let lab: Lab;
  let box: Host;
  let far: Host;
  let daemon: Headrace;
  let prober: Prober;

  beforeAll(async () => {
    lab = new Lab('mirror');
    ({ box, far } = fullTableBox(lab));
    ipBatch(box, [
      `route add default via ${gateway(0, 1)}`,
      `route add default via ${gateway(0, 1, 6)}`,
      `route add 203.0.113.0/24 via ${gateway(1, 2)}`,
      `route add 2001:db8:1::/48 via ${gateway(1, 2, 6)}`,
    ]);
    daemon = await headrace(box, configWith('mirror'));
    await mirrorValid(daemon);
    prober = new Prober(daemon, 'p9');
  });
  afterAll(() => {
    prober?.close();
    lab?.cleanup();
  });
  beforeEach(() => mirrorValid(daemon));

  const goesTo = (text: string): string | undefined => prober.probe([address(text)])[0]!.destinationMac;
  const leads = (text: string, mac: string | undefined): Promise<boolean> =>
    until(`${text} to go to ${mac ?? 'the kernel'}`, () => goesTo(text) === mac);
  /** Packets by who knew the way, while `work` runs. */
  const answered = async (work: () => void): Promise<{ mirror: number; helper: number }> => {
    const count = (reason: string): number => daemon.packets({ reason });
    const before = [count('forwarded_mirror'), count('forwarded')] as const;
    work();
    return { mirror: count('forwarded_mirror') - before[0], helper: count('forwarded') - before[1] };
  };

  it.each([
    ['203.0.113.9', gatewayMac(1, 2)],
    ['198.51.100.1', gatewayMac(0, 1)],
    ['2001:db8:1::9', gatewayMac(1, 2)],
    ['2001:db8:2::9', gatewayMac(0, 1)],
  ])('answers for %s', async (text, mac) => {
    // The kernel is asked, too, when this machine is too busy for the mirror to be followed closely.
    await until(
      'the mirror to answer',
      async () => (await answered(() => expect(goesTo(text)).toBe(mac))).mirror === 1,
    );
  });

  it('leaves multipath, own addresses and routes with an MTU to the kernel', async () => {
    ipBatch(box, [
      `route add 192.0.2.0/26 nexthop via ${gateway(2, 1)} nexthop via ${gateway(3, 1)}`,
      `route add 192.0.2.64/26 via ${gateway(2, 1)} mtu lock 1400`,
      'address add 192.0.2.129/32 dev lo',
    ]);
    await until('the kernel to be asked', () => mirrorOf(daemon).mirror!.ipv4.pending === 0);
    expect(await answered(() => expect(goesTo('192.0.2.1')).toBeDefined())).toEqual({ mirror: 0, helper: 1 });
    expect(await answered(() => expect(goesTo('192.0.2.65')).toBe(gatewayMac(2, 1)))).toEqual({ mirror: 0, helper: 1 });
    await leads('192.0.2.129', undefined);
    box.ip('address delete 192.0.2.129/32 dev lo');
    await leads('192.0.2.129', gatewayMac(0, 1));
  });

  it('leaves to the kernel what holds for some sources, for some time, or is encapsulated; the sampler would see it', async () => {
    ipBatch(box, [
      `route add 2001:db8:9::/48 via ${gateway(2, 2, 6)} metric 100`,
      `route add 2001:db8:9::/48 from 2001:db8:f::/48 via ${gateway(3, 2, 6)} metric 1024`,
      `route add default from 2001:db8:f::/48 via ${gateway(3, 2, 6)} metric 2000`,
      `route add 2001:db8:a::/48 via ${gateway(2, 2, 6)} expires 1000`,
      `nexthop add id 51 encap ip id 7 dst 10.9.9.9 via ${gateway(2, 1)} dev p2`,
      `nexthop add id 52 encap ip id 7 dst 10.9.9.9 via ${gateway(3, 1)} dev p3`,
      'nexthop add id 50 group 51/52',
      'route add 192.0.2.192/26 nhid 50',
      'nexthop delete id 52',
    ]);
    await until('all to be written', () => mirrorOf(daemon).mirror!.ipv6.pending === 0);
    const { mirror } = await answered(() => {
      // A route from a source prefix hides the plain one of its prefix from everybody else: the next shorter one counts.
      expect([goesTo('2001:db8:9::1'), goesTo('2001:db8:b::1')]).toEqual([gatewayMac(0, 1), gatewayMac(0, 1)]);
      expect([goesTo('2001:db8:a::1'), goesTo('192.0.2.193')]).toEqual([gatewayMac(2, 2), undefined]);
    });
    expect(mirror).toBe(0);

    // What tables would say that take no notice of any of it.
    const claim = (port: number, length: number, via: string) => ({
      ifindex: (JSON.parse(box.ip(`-json link show p${port}`)) as { ifindex: number }[])[0]!.ifindex,
      length,
      gateway: address(via),
    });
    const claims = new Map([
      ['2001:db8:a::', claim(2, 48, gateway(2, 2, 6))],
      ['2001:db8:b::', claim(0, 0, gateway(0, 1, 6))],
      ['192.0.2.192', claim(2, 26, gateway(2, 1))],
    ]);
    const differences: string[] = [];
    using sampler = box.inNamespace(
      () =>
        new Sampler({
          answer: (bytes) => claims.get(formatIp(bytes)),
          random: () => undefined,
          source: (family) => (family === 6 ? address('2001:db8:f::') : undefined),
          onDifference: (text) => differences.push(text),
        }),
    );
    for (const text of claims.keys()) sampler.changed(wordsOf(text), text.includes(':') ? 6 : 4);
    await until('three differences', () => {
      sampler.run(1000, 0);
      return differences.length === 3;
    });
    expect(differences.join()).toMatch(/2001:0db8:000b:\S* from 2001:0db8:000f/);
    ipBatch(box, [
      'route delete 192.0.2.192/26',
      `route delete default from 2001:db8:f::/48 via ${gateway(3, 2, 6)} metric 2000`,
    ]);
  });

  it('follows a neighbor that goes and comes back with another MAC', async () => {
    box.ip(`route add 192.0.3.0/24 via ${gateway(2, 3)}`);
    await leads('192.0.3.1', gatewayMac(2, 3));
    box.ip(`neighbor replace ${gateway(2, 3)} lladdr 02:00:00:00:77:77 dev p2 nud permanent`);
    await leads('192.0.3.1', '02:00:00:00:77:77');
    box.ip(`neighbor delete ${gateway(2, 3)} dev p2`);
    await leads('192.0.3.1', undefined);
    box.ip(`neighbor replace ${gateway(2, 3)} lladdr ${gatewayMac(2, 3)} dev p2 nud permanent`);
    await leads('192.0.3.1', gatewayMac(2, 3));
  });

  it('loses with a link what the kernel loses without a message', async () => {
    ipBatch(box, [`route add 192.0.4.0/24 via ${gateway(3, 4)}`, `route add 2001:db8:4::/48 via ${gateway(3, 4, 6)}`]);
    await leads('192.0.4.1', gatewayMac(3, 4));
    await leads('2001:db8:4::1', gatewayMac(3, 4));
    box.ip('link set p3 down');
    await leads('192.0.4.1', gatewayMac(0, 1));
    await leads('2001:db8:4::1', gatewayMac(0, 1));
    expect(goesTo('10.0.3.254')).toBeUndefined(); // still this host's own address
    box.ip('link set p3 up');
    addressPort(box, 3);
    expect(goesTo('192.0.4.1')).toBe(gatewayMac(0, 1));
    box.ip(`route add 192.0.4.0/24 via ${gateway(3, 4)}`);
    await leads('192.0.4.1', gatewayMac(3, 4));
  });

  it('loses with a nexthop object what stands on it, and with an address what names it as source', async () => {
    ipBatch(box, [
      `nexthop add id 77 via ${gateway(2, 5)} dev p2`,
      'route add 192.0.5.0/24 nhid 77',
      'address add 10.9.9.9/32 dev p1',
      `route add 192.0.6.0/24 via ${gateway(1, 6)} src 10.9.9.9`,
    ]);
    await leads('192.0.5.1', gatewayMac(2, 5));
    await leads('192.0.6.1', gatewayMac(1, 6));
    box.ip(`nexthop replace id 77 via ${gateway(2, 6)} dev p2`);
    await leads('192.0.5.1', gatewayMac(2, 6));
    box.ip('nexthop delete id 77');
    box.ip('address delete 10.9.9.9/32 dev p1');
    await leads('192.0.5.1', gatewayMac(0, 1));
    await leads('192.0.6.1', gatewayMac(0, 1));
  });

  it('loses with the carrier of a link the nexthop objects on it, as the kernel does without a word', async () => {
    ipBatch(box, [
      `nexthop add id 71 via ${gateway(2, 7)} dev p2`,
      `nexthop add id 72 via ${gateway(1, 8)} dev p1`,
      'nexthop add id 70 group 71/72',
      `nexthop add id 76 via ${gateway(2, 7, 6)} dev p2`,
      'route add 192.0.7.0/24 nhid 71',
      'route add 192.0.8.0/24 nhid 70',
      'route add 2001:db8:7::/48 nhid 76',
    ]);
    // The last address of a link takes its neighbors along, and no route by an object.
    box.ip('address delete 10.0.2.254/24 dev p2');
    addressPort(box, 2);
    await leads('192.0.7.1', gatewayMac(2, 7));
    await leads('2001:db8:7::1', gatewayMac(2, 7));
    far.ip('link set f2 down');
    await until('no carrier', () => box.ip('-brief link show p2').includes('NO-CARRIER'));
    far.ip('link set f2 up');
    addressPort(box, 2);
    await leads('192.0.7.1', gatewayMac(0, 1));
    await leads('2001:db8:7::1', gatewayMac(0, 1));
    await leads('192.0.8.1', gatewayMac(1, 8));
    box.ip('nexthop delete id 72');
    await leads('192.0.8.1', gatewayMac(0, 1));
  });

  it('keeps out while a policy rule is there', async () => {
    ipBatch(box, [`route add default via ${gateway(2, 7)} table 100`, 'rule add from 10.255.0.0/24 lookup 100']);
    await leads('203.0.113.9', gatewayMac(2, 7));
    await until('the status to say so', () => mirrorOf(daemon).mirror?.ipv4.why?.includes('rule'));
    expect(mirrorOf(daemon).mirror?.ipv6.valid).toBe(true);
    box.ip('rule delete from 10.255.0.0/24 lookup 100');
    await leads('203.0.113.9', gatewayMac(1, 2));
  });

  it('goes over to the helper and back on reload', async () => {
    daemon.configure(configWith('helper'));
    process.kill(daemon.process.pid, 'SIGHUP');
    await until('the helper', () => mirrorOf(daemon).mode === 'helper');
    daemon.configure(configWith('mirror'));
    process.kill(daemon.process.pid, 'SIGHUP');
    await mirrorValid(daemon);
    prober.close();
    prober = new Prober(daemon, 'p9');
    expect(goesTo('203.0.113.9')).toBe(gatewayMac(1, 2));
  });

  it('has compared its answers with the kernel and found no difference', async () => {
    const { sampler } = await until('some samples', () => {
      const { mirror } = mirrorOf(daemon);
      return mirror && mirror.sampler.compared > 100 ? mirror : undefined;
    });
    expect(sampler, daemon.process.stderr).toMatchObject({ differences: 0, unanswered: 0 });
    const report = JSON.parse(daemon.cli('routes', '203.0.113.9', '--json').stdout) as {
      kernel: { prefix: string };
      mirror: { agrees: boolean; gateway: string };
    };
    expect(report).toMatchObject({
      kernel: { prefix: '203.0.113.0/24' },
      mirror: { agrees: true, gateway: gateway(1, 2) },
    });
    expect(JSON.parse(daemon.cli('routes', '2001:db8:1::9', '--json').stdout)).toMatchObject({
      kernel: { prefix: '2001:db8:1::/48' },
      mirror: { agrees: true, gateway: gateway(1, 2, 6) },
    });
    expect(daemon.cli('routes').stdout).toContain('look-ups by the mirror');
  });

  it('is not believed for long when nobody keeps it', async () => {
    await daemon.kill();
    box.ip(`route replace 203.0.113.0/24 via ${gateway(1, 9)}`);
    // The table still says the old way; when the lease is over, the kernel is asked.
    await leads('203.0.113.9', gatewayMac(1, 9));
    using netlink = box.inNamespace(() => RouteNetlink.open());
    expect(netlink.getRoute(address('203.0.113.9')).found).toBe(true);
  });
});
