/** Health checks as an operator meets them: the daemon's commands, its status and its metrics, over a reload and a kill. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckReport } from '../../controlplane/health/index.ts';
import { type Headrace, type Host, headrace, Lab, type Process, routedPair, until } from './library/index.ts';

const SERVER = `require('node:http').createServer((request, response) => {
  response.statusCode = request.url === '/healthz' ? 200 : 404;
  response.end('well');
}).listen(8080, '::', () => console.log('listening'));`;

describe('headrace checks', () => {
  let lab: Lab;
  let server: Host;
  let web: Process;
  let box: Headrace;

  const config = (check: object, extra: object = {}): object => ({
    version: 1,
    dataplane: { interfaces: [{ match: 'p*' }] },
    pools: {
      web: {
        backends: { four: { address: '10.0.2.2' }, six: { address: 'fd00:2::2' } },
        check: { interval: '200ms', fast_interval: '50ms', rise: 2, fall: 2, ...check },
      },
    },
    ...extra,
  });
  const serve = async (): Promise<void> => {
    web = server.spawn([process.execPath, '-e', SERVER]);
    await web.line(/^listening/);
  };
  const checks = (...words: string[]): { checks: CheckReport[]; status: number } => {
    const { stdout, stderr, status } = box.cli('checks', '--json', ...words);
    if (stdout === '') throw new Error(stderr);
    return { checks: JSON.parse(stdout) as CheckReport[], status };
  };
  const all = (verdict: string): Promise<unknown> =>
    until(`all checks to be ${verdict}`, () => checks().checks.every((one) => one.verdict === verdict), {
      everyMs: 200,
    });

  beforeAll(async () => {
    lab = new Lab('checks');
    const pair = routedPair(lab);
    server = pair.server;
    await serve();
    box = await headrace(pair.box, config({ http: { port: 8080, path: '/healthz', contains: 'well' }, icmp: {} }));
  });
  afterAll(() => lab?.cleanup());

  it('lists every check with what it found, and says by its status whether all are up', async () => {
    await all('up');
    const listed = checks();
    expect(listed.status).toBe(0);
    expect(listed.checks.map(({ pool, backend, kind, address }) => [pool, backend, kind, address])).toEqual([
      ['web', 'four', 'http', '10.0.2.2'],
      ['web', 'four', 'icmp', '10.0.2.2'],
      ['web', 'six', 'http', 'fd00:2::2'],
      ['web', 'six', 'icmp', 'fd00:2::2'],
    ]);
    expect(box.cli('checks').stdout).toMatch(/^web +four +10\.0\.2\.2 +http +up .* status 200, the body is right$/m);
    await web.kill('SIGKILL');
    await until('the http checks to be down', () => checks('--down').checks.length === 2, { everyMs: 200 });
    const { stdout, status } = box.cli('checks', '--down');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^web +six +fd00:2::2 +http +down .* connection refused \(ECONNREFUSED\)$/m);
    await serve();
    await all('up');
  });

  it('shows checks in the metrics', () => {
    const metrics = box.metrics();
    expect(metrics).toMatch(
      /^headrace_health_checks_total\{pool="web",backend="four",check="http",result="success"\} [1-9]/m,
    );
    expect(metrics).toMatch(
      /^headrace_health_checks_total\{pool="web",backend="six",check="icmp",result="error"\} 0$/m,
    );
    expect(metrics).toMatch(/^# TYPE headrace_health_check_duration_seconds histogram$/m);
    const count = (le: string): number =>
      Number(
        new RegExp(`^headrace_health_check_duration_seconds_bucket\\{check="http",le="${le}"\\} (\\d+)$`, 'm').exec(
          metrics,
        )?.[1],
      );
    expect(count('\\+Inf')).toBeGreaterThanOrEqual(count('1'));
    expect(count('\\+Inf')).toBe(
      Number(/^headrace_health_check_duration_seconds_count\{check="http"\} (\d+)$/m.exec(metrics)?.[1]),
    );
    expect(metrics).toMatch(/^headrace_backend_health\{pool="web",backend="six",verdict="up"\} 1$/m);
    expect(metrics).toMatch(/^headrace_pool_panic\{pool="web"\} 0$/m);
  });

  it('keeps verdicts over a reload, and changes nothing for a file of certificates that is not there', async () => {
    const before = checks().checks.find(({ kind }) => kind === 'icmp')!;
    box.configure(config({ https: { port: 8080, ca: '/nonexistent' } }));
    process.kill(box.process.pid, 'SIGHUP');
    await until('the reload to be refused', () =>
      /pools\.web\.check\.https\.ca/.test(box.process.stderr + box.process.stdout),
    );
    expect(checks().checks).toHaveLength(4);
    box.configure(config({ icmp: {} }));
    process.kill(box.process.pid, 'SIGHUP');
    await until('two checks to be left', () => checks().checks.length === 2);
    const after = checks().checks[0]!;
    expect(after.verdict).toBe('up');
    expect(after.sinceMs).toBeGreaterThan(before.sinceMs);
  });

  it('says loudly that it is in panic', async () => {
    box.configure(config({ tcp: { port: 9 }, panic: '50%' }));
    process.kill(box.process.pid, 'SIGHUP');
    await until('the panic', () => box.metrics().includes('headrace_pool_panic{pool="web"} 1'), { everyMs: 200 });
    expect(box.cli('checks').stdout).toMatch(/^web \(panic: all are used\) +four/m);
    const { stdout, status } = box.cli('status');
    expect(status).toBe(1);
    expect(stdout).toMatch(/pool web is in panic/);
  });
});
