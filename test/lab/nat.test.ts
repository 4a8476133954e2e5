/**
 * Mode nat with real programs: curl and long connections reach nginx and an echo server that know nothing of a VIP, by
 * a balancer that rewrites both ways, over both families, while its daemon is killed, started again and reloaded.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answersAll, type Clients, Farm, SYN, vip4, vip6 } from './balancer/farm.ts';
import { type Headrace, headrace, Lab, until } from './library/index.ts';

/** Where the echo servers listen; clients connect to PORT of the VIP. */
const ECHO = 7777;
const HTTP = 8080;

interface Connections {
  readonly matching: number;
  readonly states: Readonly<Record<string, number>>;
  readonly connections: readonly { readonly client: string; readonly backend: string; readonly target: string }[];
}

describe('a balancer in nat mode', () => {
  let lab: Lab;
  let farm: Farm;
  let box: Headrace;
  let held: Clients;
  let held6: Clients;

  const pool = (port: number, family: 4 | 6, more: Readonly<Record<string, object>> = {}): object => ({
    backends: Object.fromEntries(
      ['a', 'b'].map((name) => [name, { address: farm.address(name, family), port, ...more[name] }]),
    ),
    // Its answers come from where replies come from, and are for this host.
    check: { tcp: { port }, interval: '1s', rise: 1 },
  });
  const config = (more: Readonly<Record<string, object>> = {}): object => ({
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: {
      web4: pool(HTTP, 4, more),
      web6: pool(HTTP, 6, more),
      echo4: pool(ECHO, 4, more),
      echo6: pool(ECHO, 6),
      // iperf3 opens a connection to talk about the other: both have to go to one server.
      bulk: { backends: { a: { address: farm.address('a') } } },
    },
    services: {
      www4: { frontends: [{ vip: vip4, tcp: [80] }], pool: 'web4', forward: { mode: 'nat' } },
      www6: { frontends: [{ vip: vip6, tcp: [80] }], pool: 'web6', forward: { mode: 'nat' } },
      hidden: { frontends: [{ vip: vip4, tcp: [81] }], pool: 'web4', forward: { mode: 'nat', snat: true } },
      bulk: { frontends: [{ vip: vip4, tcp: [5201] }], pool: 'bulk', forward: { mode: 'nat' } },
      echo6: { frontends: [{ vip: vip6, tcp: [7000] }], pool: 'echo6', forward: { mode: 'nat' } },
      echo: { frontends: [{ vip: vip4, tcp: [7000], udp: [7000] }], pool: 'echo4', forward: { mode: 'nat' } },
    },
  });
  const reload = async (next: object): Promise<void> => {
    const count = (): number => box.process.stderr.split('configuration reloaded').length;
    const before = count();
    box.configure(next);
    process.kill(box.process.pid, 'SIGHUP');
    await until('the reload', () => count() > before);
  };
  const ask = <T>(resource: string): T => {
    const socket = `${farm.box.runDirectory}/${box.instance}/control.sock`;
    return JSON.parse(
      farm.box.exec(['curl', '-sS', '--max-time', '10', '--unix-socket', socket, `http://box${resource}`]).stdout,
    ) as T;
  };
  /** What the servers answer to so many requests: their name, and the client as they see it. */
  const fetched = (url: string, count = 12): Set<string> => {
    const urls = Array<string>(count).fill(url);
    const words = ['curl', '-sSg', '--fail-early', '--max-time', '5', '-H', 'Connection: close', ...urls];
    return new Set(farm.client.exec(words).stdout.trim().split('\n'));
  };
  const echoed = (): string => {
    const script = `exec 3<>/dev/udp/${vip4}/7000; printf x >&3; timeout 5 head -c 3 <&3`;
    return farm.client.exec(['bash', '-c', script], { mayFail: true }).stdout;
  };

  beforeAll(async () => {
    lab = new Lab('nat');
    farm = new Farm(lab, ['a', 'b'], { vips: false });
    await Promise.all(
      ['a', 'b'].map(async (name) => {
        await farm.serveWeb(name, HTTP);
        await farm.serve(name, ECHO, farm.address(name));
      }),
    );
    // Replies come from addresses that the way back knows: the strict check must let them through.
    for (const port of ['all', 'p1', 'p2']) farm.box.sysctl(`net.ipv4.conf.${port}.rp_filter`, port === 'all' ? 0 : 1);
    box = await headrace(farm.box, config());
    await until('the services to be ready', () => ask<{ ready: boolean }[]>('/services').every(({ ready }) => ready));
  });
  afterAll(() => lab?.cleanup());

  it('serves pages from both backends, which see the client, over IPv4 and IPv6', () => {
    expect(fetched(`http://${vip4}/`)).toEqual(new Set(['a 10.0.1.2', 'b 10.0.1.2']));
    expect(fetched(`http://[${vip6}]/`)).toEqual(new Set(['a fd00:1::2', 'b fd00:1::2']));
  });

  it('with SNAT they see the box', () => {
    expect(fetched(`http://${vip4}:81/`)).toEqual(new Set(['a 10.0.11.1', 'b 10.0.12.1']));
  });

  it.each([vip4, `[${vip6}]`])('answers all that wrk asks of %s', (vip) => {
    expect(farm.load(`http://${vip}/`)).toSatisfy(answersAll);
  });

  it('carries what iperf3 sends, both ways', async () => {
    const server = farm.servers.get('a')!;
    const iperf = server.spawn(['iperf3', '-s']);
    await until('iperf3 to listen', () => server.exec(['ss', '-Hltn']).stdout.includes(':5201'));
    for (const direction of [[], ['-R']]) {
      const words = ['iperf3', '-c', vip4, '-n', '20M', '-P', '4', '-J', ...direction];
      const { end } = JSON.parse(farm.client.exec(words).stdout) as { end: { sum_received: { bytes: number } } };
      expect(end.sum_received.bytes).toBeGreaterThan(10_000_000);
    }
    await iperf.kill();
  });

  it('carries UDP both ways', () => {
    expect(echoed()).toMatch(/^[ab] x$/);
  });

  it('keeps connections while the daemon is killed, and begins new ones without it', async () => {
    held = farm.hold(vip4, 40);
    held6 = farm.hold(vip6, 20);
    const round = await held.after(2);
    expect([round.opened, round.reasons]).toEqual([40, {}]);
    expect(await held6.after(2)).toMatchObject({ opened: 20, reasons: {} });
    await box.kill();
    expect((await held.after(3)).reasons).toEqual({});
    expect(fetched(`http://${vip4}/`)).toEqual(new Set(['a 10.0.1.2', 'b 10.0.1.2']));
    expect(echoed()).toMatch(/^[ab] x$/);
  });

  it('keeps them when the next daemon takes over and is reloaded, and shows them', async () => {
    await box.start();
    await reload(config());
    expect((await held.after(3)).reasons).toEqual({});
    expect((await held6.after(1)).reasons).toEqual({});
    const { stdout, stderr } = box.cli('connections', '--service', 'echo', '--state', 'established', '--json');
    const list = JSON.parse(stdout || stderr) as Connections;
    expect(list.states).toEqual({ established: 40 });
    expect(list.connections[0]?.client).toMatch(/^10\.0\.1\.2:\d+$/);
    expect(list.connections[0]?.target).toMatch(/^10\.0\.1[12]\.2:7777$/);
  });

  it('keeps them through a flood of beginnings, which push out each other', async () => {
    expect(await farm.flood(SYN, 100_000)).toBeGreaterThan(50_000);
    expect((await held.after(3)).reasons).toEqual({});
    expect((await held6.after(1)).reasons).toEqual({});
    const { stdout } = box.cli('connections', '--service', 'echo', '--state', 'established', '--json');
    expect((JSON.parse(stdout) as Connections).states).toEqual({ established: 40 });
  });

  it('drains a backend: its connections stay, new ones go elsewhere', async () => {
    const { servers } = await held.after(1);
    await reload(config({ a: { state: 'draining' } }));
    expect(fetched(`http://${vip4}/`)).toEqual(new Set(['b 10.0.1.2']));
    const round = await held.after(2);
    expect([round.reasons, round.servers]).toEqual([{}, servers]);
    await until('the walk to count them', () => {
      const rows = ask<{ pool: string; backend: string; remembered: number }[]>('/backends');
      return rows.find(({ pool: of, backend }) => of === 'echo4' && backend === 'a')!.remembered >= servers['a']!;
    });
  });

  it('gives connections up at once when their backend is taken away', async () => {
    const { servers } = await held.after(1);
    await reload(config({ a: { state: 'maintenance' } }));
    const round = await until('the connections of a to end', () => {
      const { last } = held;
      return last?.broken === servers['a'] ? last : undefined;
    });
    expect(round.servers).toEqual({ b: servers['b'] });
  });

  it('goes with its last service, and comes back with another', async () => {
    const other = config() as { services: Record<string, { forward: object }> };
    for (const service of Object.values(other.services)) service.forward = { mode: 'ipip' };
    await reload(other);
    expect(ask<Connections>('/connections')).toEqual({ states: {}, matching: 0, connections: [] });
    await reload(config());
    expect(fetched(`http://${vip4}/`)).toEqual(new Set(['a 10.0.1.2', 'b 10.0.1.2']));
  });
});
