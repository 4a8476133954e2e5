/**
 * Every kind of health check against the server it is for, over both families:
 *
 *     box b0 ── s0 server: nginx (HTTP and HTTPS), dnsmasq (DNS), a UDP echo, and ping
 *
 * What a check must find out is shown by taking it away: a closed port, another status, another body, a certificate for
 * another name, another record, silence. Each verdict comes with its reason.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckReport, CheckSpec } from '../../controlplane/health/index.ts';
import { type Host, Lab, type Process, until } from './library/index.ts';
import { helperCommand } from './library/repository.ts';

const TIMING = { intervalMs: 200, fastIntervalMs: 50, timeoutMs: 1500, jitter: 0.1, rise: 2, fall: 2, holdDownMs: 0 };
const ADDRESS = { 4: '10.6.0.2', 6: 'fd06::2' } as const;
const ECHO = `for (const type of ['udp4', 'udp6']) {
  const socket = require('dgram').createSocket({ type, ipv6Only: type === 'udp6' });
  socket.on('message', (m, from) => socket.send('pong ' + m, from.port, from.address));
  socket.bind(7000, () => console.log('echo ' + type));
}`;

const http = {
  kind: 'http',
  port: 80,
  method: 'GET',
  path: '/healthz',
  status: [[200, 299]],
  maxBodyBytes: 4096,
  verify: true,
} as const;

describe('health checks', () => {
  let lab: Lab;
  let box: Host;
  let server: Host;
  let nginx: Process;
  let ca: string;

  const startNginx = async (): Promise<void> => {
    nginx = server.spawn(['nginx', '-p', server.folder, '-c', `${server.folder}/nginx.conf`]);
    await until('nginx to listen', () => server.exec(['ss', '-Hltn']).stdout.includes(':443'));
  };

  beforeAll(async () => {
    lab = new Lab('health');
    box = lab.host('box');
    server = lab.host('server');
    lab.link(box, 'b0', server, 's0');
    box.address('b0', '10.6.0.1/24', 'fd06::1/64');
    server.address('s0', '10.6.0.2/24', 'fd06::2/64');
    const folder = server.folder;
    server.exec([
      ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`, '-subj', '/CN=www.example.com'],
      ...['-addext', 'subjectAltName=DNS:www.example.com'],
    ]);
    ca = readFileSync(`${folder}/cert.pem`, 'utf8');
    writeFileSync(
      `${folder}/nginx.conf`,
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { }
http {
  access_log off;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
  uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server {
    listen 80; listen [::]:80; listen 443 ssl; listen [::]:443 ssl;
    ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    location = /healthz { return 200 "all is well with $host\\n"; }
    location = /sick { return 503; }
  }
}`,
    );
    await startNginx();
    const echo = server.spawn([process.execPath, '-e', ECHO]);
    await echo.line(/^echo udp6/);
    await echo.line(/^echo udp4/);
    server.spawn([
      ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root'],
      ...['--pid-file', '--host-record=www.example.com,192.0.2.80,2001:db8::80', '--local=/example.com/'],
    ]);
    await until('dnsmasq to listen', () => server.exec(['ss', '-Hlun']).stdout.includes(':53 '));
  });
  afterAll(() => lab?.cleanup());

  /** Checks both of the server's addresses, as backends `4` and `6` of each pool, by the pool's probes. */
  const check = (pools: Readonly<Record<string, readonly unknown[]>>, timing: Partial<CheckSpec> = {}): Process =>
    box.spawn([
      ...helperCommand('check-process'),
      JSON.stringify(
        Object.entries(pools).map(([pool, probes]) => ({
          pool,
          panicBelow: 0,
          targets: ([4, 6] as const).map((family) => ({
            pool,
            backend: String(family),
            address: ADDRESS[family],
            check: { ...TIMING, ...timing, probes },
          })),
        })),
      ),
    ]);
  const latest = (process: Process): CheckReport[] =>
    JSON.parse(process.stdout.trim().split('\n').at(-1)!) as CheckReport[];
  const verdicts = (process: Process, verdict: string): Promise<CheckReport[]> =>
    until(`all checks to be ${verdict}`, () => {
      if (process.status !== undefined) throw new Error(process.stderr);
      const report = latest(process);
      return report.length > 0 && report.every((one) => one.verdict === verdict) ? report : undefined;
    });

  it('all pass on a server that is well', async () => {
    const probes = [
      { kind: 'tcp', port: 80 },
      { ...http, contains: 'all is well with www.example.com', host: 'www.example.com' },
      { ...http, kind: 'https', port: 443, sni: 'www.example.com', ca, matches: '^all is (well|fine)' },
      { kind: 'dns', port: 53, name: 'www.example.com', type: 'AAAA', rcode: 'NOERROR', answer: '2001:db8:0::80' },
      {
        kind: 'udp',
        port: 7000,
        send: Buffer.from('ping').toString('hex'),
        expect: Buffer.from('pong ping').toString('hex'),
      },
      { kind: 'icmp' },
    ];
    const running = check({ all: probes });
    const report = await verdicts(running, 'up');
    expect(report).toHaveLength(12);
    await running.kill();
    for (const { last, counts, ...rest } of report) {
      expect(last).toMatchObject({ result: 'success' });
      expect(counts, JSON.stringify(rest)).toMatchObject({ failure: 0, timeout: 0, error: 0 });
    }
  });

  it('what is wrong is found out, and said', async () => {
    const wrong: readonly (readonly [string, Record<string, unknown>, RegExp])[] = [
      ['a closed port', { kind: 'tcp', port: 81 }, /connection refused/],
      ['another status', { ...http, path: '/sick' }, /status 503, wanted 200-299/],
      ['a page that is not there', { ...http, status: [[200, 200]], path: '/gone' }, /status 404, wanted 200/],
      ['another body', { ...http, contains: 'nonsense' }, /status 200, but .* do not have "nonsense"/],
      ['a body that does not match', { ...http, matches: '^nonsense' }, /do not match \/\^nonsense\//],
      ['a body cut short', { ...http, contains: 'well', maxBodyBytes: 5 }, /the first 5 bytes/],
      ['TLS where there is none', { ...http, kind: 'https', sni: 'www.example.com', ca }, /SSL|TLS|packet length/i],
      [
        'a certificate nobody vouches for',
        { ...http, kind: 'https', port: 443, sni: 'www.example.com' },
        /not trusted: name it with ca/,
      ],
      [
        'a certificate for another name',
        { ...http, kind: 'https', port: 443, sni: 'mail.example.com', ca },
        /for another name: .*mail\.example\.com.*www\.example\.com/,
      ],
      ['a certificate without the address', { ...http, kind: 'https', port: 443, ca }, /for another name/],
      [
        'another DNS code',
        { kind: 'dns', port: 53, name: 'gone.example.com', type: 'A', rcode: 'NOERROR' },
        /code NXDOMAIN, wanted NOERROR/,
      ],
      [
        'another DNS answer',
        { kind: 'dns', port: 53, name: 'www.example.com', type: 'A', rcode: 'NOERROR', answer: '192.0.2.81' },
        /A is 192\.0\.2\.80, wanted 192\.0\.2\.81/,
      ],
      [
        'no DNS server',
        { kind: 'dns', port: 54, name: 'www.example.com', type: 'A', rcode: 'NOERROR' },
        /connection refused/,
      ],
      [
        'another UDP answer',
        { kind: 'udp', port: 7000, send: '70', expect: '71' },
        /the answer is "pong p", wanted "q" in it/,
      ],
      ['no UDP server', { kind: 'udp', port: 7001, send: '70' }, /connection refused/],
    ];
    const running = check(Object.fromEntries(wrong.map(([what, probe]) => [what, [probe]])));
    const report = await verdicts(running, 'down');
    expect(report).toHaveLength(wrong.length * 2);
    for (const [what, , reason] of wrong)
      for (const { last } of report.filter(({ pool }) => pool === what)) expect(last?.detail, what).toMatch(reason);
    await running.kill();
  });

  it('a certificate is let pass when nobody asks for it', async () => {
    const running = check({ p: [{ ...http, kind: 'https', port: 443, verify: false }] });
    await verdicts(running, 'up');
    await running.kill();
  });

  it('a server that stops goes down after fall failures, and comes back after rise successes', async () => {
    const running = check({ p: [{ kind: 'tcp', port: 80 }, http] });
    await verdicts(running, 'up');
    await nginx.kill('SIGKILL');
    for (const { failures, last } of await verdicts(running, 'down')) {
      expect(failures).toBeGreaterThanOrEqual(2);
      expect(last?.detail).toMatch(/connection (refused|reset)/);
    }
    await startNginx();
    for (const { successes } of await verdicts(running, 'up')) expect(successes).toBeGreaterThanOrEqual(2);
    await running.kill();
  });

  it('silence is a timeout, for every kind', async () => {
    const running = check(
      { p: [{ kind: 'tcp', port: 80 }, http, { kind: 'icmp' }, { kind: 'udp', port: 7000, send: '70' }] },
      { timeoutMs: 300 },
    );
    await verdicts(running, 'up');
    // The neighbor stays known, so that nothing answers "unreachable".
    const mac = server.mac('s0');
    box.ip(`neigh replace 10.6.0.2 lladdr ${mac} dev b0 nud permanent`);
    box.ip(`-6 neigh replace fd06::2 lladdr ${mac} dev b0 nud permanent`);
    server.ip('link set s0 down');
    for (const { last } of await verdicts(running, 'down')) {
      expect(last?.result).toBe('timeout');
      expect(last?.detail).toMatch(/^no (connection|answer|echo reply) within 300 ms$/);
    }
    server.ip('link set s0 up');
    server.address('s0', 'fd06::2/64');
    await verdicts(running, 'up');
    await running.kill();
  });
});
