/**
 * Real servers without tunnel devices: `headrace decap` takes off what the balancer wrapped, nginx answers from the VIP,
 * and the answer goes to the client without passing the balance stage.
 */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Farm, vip4, vip6 } from './balancer/farm.ts';
import { type Counter, type Headrace, type Host, headrace, Lab, type Output } from './library/index.ts';
import { headraceProgram } from './library/repository.ts';

/** A service a way of wrapping, told apart by their ports. */
const ways = [
  { port: 8001, mode: 'ipip', outer: 4 },
  { port: 8002, mode: 'ipip', outer: 6 },
  { port: 8003, mode: 'gue', outer: 4 },
  { port: 8004, mode: 'gue', outer: 6 },
] as const;

interface Row {
  readonly interface: string;
  readonly attached: boolean;
  readonly mode: string;
  readonly guePort: number;
  readonly vips: readonly string[];
  readonly unwrapped: number;
  readonly notes: readonly string[];
}

describe('headrace decap', () => {
  let lab: Lab;
  let farm: Farm;
  let box: Headrace;
  const servers = ['a', 'b'];

  const decap = (host: Host, ...words: readonly string[]): Output =>
    host.exec([process.execPath, headraceProgram, 'decap', ...words, '--instance', host.name], {
      env: { HEADRACE_RUN_DIR: host.runDirectory },
      mayFail: true,
    });
  const status = (host: Host): Row[] => JSON.parse(decap(host, 'status', '--json').stdout) as Row[];
  const server = (name: string): Host => farm.servers.get(name)!;
  /** Who answers so many requests. */
  const answers = (vip: string, port: number, count = 12): string[] => {
    const url = `http://${vip.includes(':') ? `[${vip}]` : vip}:${port}/[1-${count}]`;
    const { stdout } = farm.client.exec(['curl', '-sS', '--max-time', '10', '-H', 'Connection: close', url], {
      mayFail: true,
    });
    return stdout.split('\n').filter(Boolean);
  };

  beforeAll(async () => {
    lab = new Lab('realserver');
    farm = new Farm(lab, servers);
    for (const name of servers) {
      const { folder } = server(name);
      writeFileSync(
        `${folder}/nginx.conf`,
        `pid ${folder}/nginx.pid; error_log stderr; daemon off; master_process off;
events { }
http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  server { ${ways.map(({ port }) => `listen [::]:${port} ipv6only=off;`).join(' ')} return 200 "${name}\\n"; } }
`,
      );
      server(name).spawn(['nginx', '-c', `${folder}/nginx.conf`]);
    }
    box = await headrace(farm.box, {
      version: 1,
      dataplane: { interfaces: [{ match: 'p*' }] },
      pools: Object.fromEntries(
        ([4, 6] as const).map((family) => [
          `v${family}`,
          { backends: Object.fromEntries(servers.map((name) => [name, { address: farm.address(name, family) }])) },
        ]),
      ),
      services: Object.fromEntries(
        ways.map(({ port, mode, outer }) => [
          `${mode}${outer}`,
          {
            frontends: [vip4, vip6].map((vip) => ({ vip, tcp: [port] })),
            pool: `v${outer}`,
            forward: { mode },
            balance: { table: 1021 },
          },
        ]),
      ),
    });
  });
  afterAll(() => lab?.cleanup());

  it('refuses what it cannot do, and says what to do', () => {
    const [a] = [server('a')];
    const absent = decap(a, 'run', '--interface', 'nope', '--vip', vip4);
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringMatching(/interface nope.*ip link/)]);
    const wrong = decap(a, 'run', '--interface', 's0', '--vip', '198.51.100');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/IPv4 or IPv6 address/)]);
    expect(status(a)).toEqual([]);
  });

  it('attaches and ends, and says what it unwraps and what is missing', () => {
    for (const name of servers) {
      const { status: ended, stderr } = decap(
        server(name),
        'run',
        '-i',
        's0',
        '--vip',
        vip4,
        '--vip',
        '2001:db8:51::11',
      );
      expect([stderr, ended]).toEqual(['', 0]);
    }
    expect(status(server('a'))).toEqual([
      {
        interface: 's0',
        ifindex: server('a').ifindex('s0'),
        attached: true,
        mode: 'native',
        guePort: 6080,
        vips: [vip4, '2001:db8:51::11'],
        unwrapped: 0,
        congested: 0,
        notes: [expect.stringMatching(/2001:db8:51::11 is no address of this host: ip address add .*\/128 dev lo/)],
      },
    ]);
  });

  it('leaves a VIP alone that it was not told, and takes it when told', () => {
    expect(answers(vip4, 8001)).toHaveLength(12);
    expect(farm.client.exec(['curl', '-s', '-m', '1', `http://[${vip6}]:8001/`], { mayFail: true }).status).not.toBe(0);
    const before = status(server('a'))[0]!.unwrapped;
    for (const name of servers) decap(server(name), 'run', '-i', 's0', '--vip', vip4, '--vip', vip6);
    const [row] = status(server('a'));
    expect(row).toMatchObject({ vips: [vip4, vip6], notes: [] });
    expect(row!.unwrapped).toBeGreaterThanOrEqual(before);
  });

  const answered: string[] = [];
  let before: number[] = [];
  const unwrapped = (): number[] => servers.map((name) => status(server(name))[0]!.unwrapped);
  it('counts', () => {
    before = unwrapped();
  });

  for (const { port, mode, outer } of ways)
    for (const vip of [vip4, vip6])
      it(`answers over ${mode} in IPv${outer} for ${vip}`, () => {
        const names = answers(vip, port, 20);
        expect([names.length, [...new Set(names)].sort()]).toEqual([20, servers]);
        answered.push(...names);
      });

  it('has unwrapped every packet of every connection', () => {
    // One that is opened, used and closed takes the client no less than four.
    const after = unwrapped();
    servers.forEach((name, i) => {
      const own = answered.filter((each) => each === name).length;
      expect(after[i]! - before[i]!).toBeGreaterThanOrEqual(4 * own);
    });
    const counters = box.counters();
    const sum = (which: (counter: Counter) => boolean): number =>
      counters.filter(which).reduce((all, { packets }) => all + packets, 0);
    expect(sum(({ reason }) => reason === 'balanced')).toBeGreaterThanOrEqual(4 * answered.length);
    // Answers come back by way of the box's routes, not its services.
    expect(sum((each) => each.reason === 'balanced' && each.interface !== 'p0')).toBe(0);
  });

  it('unwraps no GUE where it was told so', () => {
    decap(server('a'), 'run', '-i', 's0', '--vip', vip4, '--gue-port', '0');
    expect(status(server('a'))[0]).toMatchObject({ guePort: 0, vips: [vip4] });
    expect(new Set(answers(vip4, 8001))).toContain('a');
  });

  it('says when the program was taken off, and comes off itself', () => {
    const [a, b] = [server('a'), server('b')];
    expect(decap(a, 'detach', '--interface', 's0').stdout).toBe('detached from 1 interface\n');
    expect([status(a), a.link('s0').xdp]).toEqual([[], undefined]);
    b.ip('link delete s0');
    const gone = decap(b, 'status');
    expect([gone.status, gone.stdout]).toEqual([1, expect.stringContaining('not attached: the interface is gone')]);
    expect(decap(b, 'detach').stdout).toBe('detached from 1 interface\n');
    expect(decap(b, 'status').stdout).toBe('nothing is unwrapped on any interface\n');
  });
});
