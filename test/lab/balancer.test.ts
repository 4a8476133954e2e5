/**
 * Real clients hold real connections to real servers through a balancer, while backends come, drain and go, while the
 * configuration changes, and while the daemon is killed. What should live lives.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACK, answersAll, type Clients, Farm, PORT, SYN, vip4, vip6 } from './balancer/farm.ts';
import { type Headrace, headrace, Lab, until } from './library/index.ts';

interface BackendRow {
  readonly backend: string;
  readonly state: string;
  readonly share: number;
  readonly unreachable: string;
  readonly packets: number;
  readonly remembered: number;
}
interface ServiceRow {
  readonly service: string;
  readonly up: boolean;
  readonly ready: boolean;
  readonly remapped: number;
  readonly slots: { readonly settling: number; readonly pinned: number };
}

describe('a balancer in l2 mode', () => {
  let lab: Lab;
  let farm: Farm;
  let box: Headrace;
  let held: Clients;

  /** The configuration with these backends of the three. */
  const config = (backends: Readonly<Record<string, object>>, services: object = {}): object => ({
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: {
      web: {
        backends: Object.fromEntries(
          Object.entries(backends).map(([name, more]) => [name, { address: farm.address(name), ...more }]),
        ),
      },
    },
    services: {
      www: {
        frontends: [{ vip: vip4, tcp: [PORT], udp: [PORT] }],
        pool: 'web',
        forward: { mode: 'l2' },
        balance: { table: 1021 },
      },
      ...services,
    },
    balancer: { settle: '8s' },
  });
  const reload = async (next: object): Promise<void> => {
    const count = (): number => box.process.stderr.split('configuration reloaded').length;
    const before = count();
    box.configure(next);
    process.kill(box.process.pid, 'SIGHUP');
    await until('the reload', () => count() > before);
  };
  const json = <T>(...words: readonly string[]): T => {
    const { stdout, stderr, status } = box.cli(...words, '--json');
    if (status !== 0) throw new Error(`headrace ${words.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };
  /** What the daemon says on its socket: as the commands do, without starting one each time. */
  const ask = <T>(resource: string): T => {
    const socket = `${farm.box.runDirectory}/${box.instance}/control.sock`;
    return JSON.parse(
      farm.box.exec(['curl', '-sS', '--max-time', '10', '--unix-socket', socket, `http://box${resource}`]).stdout,
    ) as T;
  };
  const backends = (): Map<string, BackendRow> =>
    new Map(ask<BackendRow[]>('/backends').map((row) => [row.backend, row]));
  const www = (): ServiceRow => ask<ServiceRow[]>('/services').find(({ service }) => service === 'www')!;
  /** Names of the servers that answer so many new connections. */
  const answering = (count = 16): Set<string> => {
    const script = `for i in $(seq ${count}); do printf x | timeout 5 bash -c 'exec 3<>/dev/tcp/${vip4}/${PORT}; printf x >&3; head -c 1 <&3; echo'; done`;
    return new Set(farm.client.exec(['bash', '-c', script], { mayFail: true }).stdout.split(/\s+/).filter(Boolean));
  };

  beforeAll(async () => {
    lab = new Lab('balancer');
    farm = new Farm(lab, ['a', 'b', 'c']);
    await Promise.all(['a', 'b', 'c'].map((name) => farm.serve(name)));
    box = await headrace(farm.box, config({ a: {}, b: {} }));
  });
  afterAll(() => lab?.cleanup());

  it('resolves its backends and is ready', async () => {
    await until('the service to be ready', () => www().ready);
    const [a, b] = [backends().get('a'), backends().get('b')];
    expect([a?.state, b?.state, a?.unreachable]).toEqual(['active', 'active', '']);
    expect(a!.share + b!.share).toBeCloseTo(1, 4);
  });

  it('keeps the kernel from routing a VIP on', () => {
    expect(farm.box.ip(`route show ${vip4}`)).toMatch(/^blackhole 198\.51\.100\.10/);
  });

  it('spreads connections over the backends', async () => {
    held = farm.hold(vip4, 120);
    const round = await held.after(2);
    expect([round.opened, round.broken]).toEqual([120, 0]);
    expect(Object.keys(round.servers).sort()).toEqual(['a', 'b']);
    expect(backends().get('a')!.packets).toBeGreaterThan(100);
  });

  it('says beforehand what a reload would change', () => {
    box.configure(config({ a: {}, b: {}, c: {} }));
    const plan = json<{ backends: { added: string[] }; rings: { moved: number }[]; breaks: string[] }>(
      'plan',
      '-c',
      box.configFile,
    );
    expect(plan.backends.added).toEqual(['web/c']);
    expect(Math.abs(plan.rings[0]!.moved / 1021 - 1 / 3)).toBeLessThan(0.03);
    expect(plan.breaks).toEqual([]);
  });

  it('keeps every connection when a backend is added, and gives it new ones', async () => {
    await reload(config({ a: {}, b: {}, c: {} }));
    await until('the new backend to be reachable', () => backends().get('c')?.unreachable === '');
    expect(www().remapped).toBeGreaterThan(0.3);
    expect((await held.after(3)).reasons).toEqual({});
    expect(answering()).toContain('c');
  });

  it('keeps them under floods of SYNs and of strangers while slots settle', async () => {
    await reload(config({ a: { weight: 200 }, b: {}, c: {} }));
    expect(www().slots.settling).toBeGreaterThan(0);
    for (const flags of [SYN, ACK]) expect(await farm.flood(flags, 50_000)).toBeGreaterThan(25_000);
    expect((await held.after(3)).reasons).toEqual({});
  });

  it('keeps them through a change of weights, and after the time to settle', async () => {
    await reload(config({ a: { weight: 10 }, b: {}, c: {} }));
    expect((await held.after(3)).reasons).toEqual({});
    await until('nothing to be settling', () => www().slots.settling === 0, { timeoutMs: 30_000 });
    expect((await held.after(3)).reasons).toEqual({});
    await reload(config({ a: {}, b: {}, c: {} }));
    expect((await held.after(3)).reasons).toEqual({});
  });

  it('drains a backend by an operator’s word: old connections stay, new ones go elsewhere', async () => {
    expect(box.cli('backend', 'drain', 'web/a').stdout).toContain('web/a is draining');
    expect(backends().get('a')).toMatchObject({ state: 'draining', share: 0 });
    expect(answering()).not.toContain('a');
    const round = await held.after(3);
    expect(round.reasons).toEqual({});
    expect(round.servers['a']).toBeGreaterThan(0);
  });

  it('goes on without its daemon, and the next one takes over, with the operator’s word', async () => {
    await box.kill();
    expect((await held.after(5)).reasons).toEqual({});
    expect(answering(8)).not.toContain('a');
    await box.start();
    await until('the service to be ready', () => www().ready);
    expect(backends().get('a')).toMatchObject({ state: 'draining' });
    expect((await held.after(5)).reasons).toEqual({});
    await reload(config({ a: {}, b: {}, c: {} }));
    expect(backends().get('a')).toMatchObject({ state: 'draining' });
    expect((await held.after(3)).reasons).toEqual({});
  });

  it('takes the word back', async () => {
    box.cli('backend', 'undrain', 'web/a');
    expect(backends().get('a')).toMatchObject({ state: 'active' });
    await until('new connections to reach it', () => answering().has('a'));
    expect((await held.after(3)).reasons).toEqual({});
  });

  it('breaks only the connections of a backend that is taken out at once', async () => {
    const before = (await held.after(1)).servers;
    box.cli('backend', 'maintenance', 'web/b');
    const round = await until('its connections to end', () => {
      const { last } = held;
      return last && last.servers['b'] === undefined ? last : undefined;
    });
    expect(round.broken).toBe(before['b']);
    expect([round.servers['a'], round.servers['c']]).toEqual([before['a'], before['c']]);
    expect(answering()).not.toContain('b');
    box.cli('backend', 'undrain', 'web/b');
  });

  it('answers UDP by the hash, and pings', async () => {
    const hello = `exec 3<>/dev/udp/${vip4}/${PORT}; printf hello >&3; timeout 5 head -c 7 <&3`;
    expect(farm.client.exec(['bash', '-c', hello]).stdout).toMatch(/^[abc] hello/);
  });

  it('sets a wrong service aside and goes on with it as it was', async () => {
    await reload(config({ a: {}, b: {}, c: {} }, { other: { frontends: [{ vip: vip6, tcp: 1 }], pool: 'wep' } }));
    expect(ask<{ problems: string[] }>('/status').problems.join('\n')).toMatch(/other\.pool.*no pool "wep"/);
    expect(json<ServiceRow[]>('services').map(({ service }) => service)).toEqual(['www']);
    expect((await held.after(2)).broken).toBe((await held.after(1)).broken);
  });

  it('exports what it does', () => {
    const metrics = box.metrics();
    expect(metrics).toMatch(/^headrace_backend_packets_total\{pool="web",backend="a"\} [1-9]/m);
    expect(metrics).toMatch(/^headrace_service_up\{service="www"\} 1$/m);
    expect(metrics).toMatch(/^headrace_backend_state\{pool="web",backend="a",state="active"\} 1$/m);
    expect(metrics).toMatch(/^headrace_connection_table_max_entries 1048576$/m);
  });

  it('leaves no route of a service that is gone, or of a box that is detached', async () => {
    const empty = { ...config({ a: {} }), services: {} };
    await reload(empty);
    expect(farm.box.ip(`route show ${vip4}`)).toBe('');
    await reload(config({ a: {} }));
    expect(farm.box.ip(`route show ${vip4}`)).toMatch(/^blackhole/);
    const { status, stderr } = box.detach();
    expect([stderr, status]).toEqual(['', 0]);
    expect(farm.box.ip(`route show ${vip4}`)).toBe('');
  });
});

/** VIPs that are reached without a tunnel. */
const direct4 = '198.51.100.11';
const direct6 = '2001:db8:51::11';

describe('a balancer with tunnels', () => {
  let lab: Lab;
  let farm: Farm;
  let box: Headrace;

  beforeAll(async () => {
    lab = new Lab('ipip');
    farm = new Farm(lab, ['a', 'b']);
    for (const name of ['a', 'b']) {
      await farm.serve(name);
      if (name === 'a') await farm.decapsulate(name);
      farm.unwrap(name, ...(name === 'a' ? [vip6] : [vip4, vip6]));
      farm.servers.get(name)!.address('lo', `${direct4}/32`, `${direct6}/128`);
      await farm.serveWeb(name, 80);
    }
    box = await headrace(farm.box, {
      version: 1,
      dataplane: { interfaces: [{ match: 'p*' }] },
      pools: Object.fromEntries(
        ([4, 6] as const).map((family) => [
          `web${family}`,
          { backends: Object.fromEntries(['a', 'b'].map((name) => [name, { address: farm.address(name, family) }])) },
        ]),
      ),
      services: {
        ipip: { frontends: [{ vip: vip4, tcp: 'any' }], pool: 'web4', balance: { table: 1021 } },
        gue: {
          frontends: [{ vip: vip6, tcp: 'any' }],
          pool: 'web6',
          forward: { mode: 'gue' },
          balance: { table: 1021 },
        },
        l2v4: { frontends: [{ vip: direct4, tcp: [80] }], pool: 'web4', forward: { mode: 'l2' } },
        l2v6: { frontends: [{ vip: direct6, tcp: [80] }], pool: 'web6', forward: { mode: 'l2' } },
      },
    });
  });
  afterAll(() => lab?.cleanup());

  it.each([
    ['ipip', vip4],
    ['gue, IPv6', `[${vip6}]`],
    ['l2', direct4],
    ['l2, IPv6', `[${direct6}]`],
  ])('answers all that wrk asks, by nginx behind %s', (_, vip) => {
    expect(farm.load(`http://${vip}/`)).toSatisfy(answersAll);
  });

  it('holds connections through ipip over IPv4 and gue over IPv6, and through a drain', async () => {
    const clients = [farm.hold(vip4, 40), farm.hold(vip6, 40)];
    const rounds = await Promise.all(clients.map((held) => held.after(2)));
    for (const round of rounds) {
      expect([round.opened, round.reasons]).toEqual([40, {}]);
      expect(Object.keys(round.servers).sort()).toEqual(['a', 'b']);
    }
    for (const pool of ['web4', 'web6'])
      expect(box.cli('backend', 'drain', `${pool}/b`).stdout).toContain(`${pool}/b is draining`);
    const after = await Promise.all(clients.map((held) => held.after(3)));
    expect(after.map(({ reasons, servers }) => [reasons, servers])).toEqual(rounds.map(({ servers }) => [{}, servers]));
    expect(box.packets({ reason: 'balanced' })).toBeGreaterThan(160);
  });
});
