/** `check:` and `announce:`: what is filled in, what is refused, and what becomes of it. */
import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, parseConfig } from '../../../appliance/config/index.ts';
import { poolChecks } from '../../../appliance/daemon/check-plans.ts';

const file = (check: string, rest = ''): string => `version: 1
dataplane: { interfaces: [ { match: "p*" } ] }
balancer: { strict: true }
pools:
  web:
    backends: { web1: { address: 10.1.0.11 }, web2: { address: "2001:db8::2" } }
    check: ${check}
${rest}`;
const parse = (check: string, rest?: string): Config => parseConfig(file(check, rest), 'headrace.yaml');
const wrong = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('accepted');
};

describe('check', () => {
  it('becomes a plan for each backend, with every default', () => {
    const [pool] = poolChecks(parse('{ http: {}, tcp: { port: 25 }, icmp: {}, panic: 30% }'));
    expect(pool).toMatchObject({ pool: 'web', panicBelow: 0.3 });
    expect(pool?.targets.map(({ backend, address }) => [backend, address])).toEqual([
      ['web1', '10.1.0.11'],
      ['web2', '2001:db8::2'],
    ]);
    expect(pool?.targets[0]?.check).toEqual({
      probes: [
        { kind: 'tcp', port: 25 },
        { kind: 'http', port: 80, method: 'GET', path: '/', status: [[200, 299]], maxBodyBytes: 65_536, verify: true },
        { kind: 'icmp' },
      ],
      intervalMs: 2000,
      fastIntervalMs: 500,
      timeoutMs: 1000,
      jitter: 0.1,
      rise: 3,
      fall: 2,
      holdDownMs: 0,
    });
  });

  describe('via: vip', () => {
    const services = `services:
  www: { frontends: [ { vip: [198.51.100.0/28, 198.51.100.10], tcp: [80, 8000-8100] } ], pool: web }
  names: { frontends: [ { vip: "2001:db8:51::10", udp: any } ], pool: web }`;
    const vias = (check: string): unknown[] =>
      poolChecks(parse(check, services))[0]!.targets[0]!.check.probes.map(({ kind, via }) => [kind, via]);

    it('finds the service that takes the port, and its first address', () => {
      expect(vias('{ via: vip, tcp: { port: 80 }, http: { port: 8050 }, dns: { name: a.example } }')).toEqual([
        ['tcp', { service: 'www', vip: '198.51.100.10' }],
        ['http', { service: 'www', vip: '198.51.100.10' }],
        ['dns', { service: 'names', vip: '2001:db8:51::10' }],
      ]);
      expect(vias('{ via: vip, vip: 198.51.100.3, tcp: { port: 80 } }')).toEqual([
        ['tcp', { service: 'www', vip: '198.51.100.3' }],
      ]);
      expect(vias('{ tcp: { port: 80 } }')).toEqual([['tcp', undefined]]);
    });

    it('says what cannot be checked so', () => {
      const say = (check: string): string => wrong(() => parse(check, services));
      expect(say('{ via: vip, tcp: { port: 81 } }')).toMatch(/no service of pool "web" takes tcp port 81/);
      expect(say('{ via: vip, vip: 198.51.100.16, tcp: { port: 80 } }')).toMatch(/tcp port 80 at 198\.51\.100\.16/);
      expect(say('{ via: vip, tcp: { port: 80 }, icmp: {} }')).toMatch(/answered by the balancer itself/);
      expect(say('{ vip: 198.51.100.10, tcp: { port: 80 } }')).toMatch(/only goes with via: vip/);
    });
  });

  it('takes bytes as text or hex, and statuses one by one or in ranges', () => {
    const [pool] = poolChecks(
      parse('{ udp: { port: 7, send: hi, expect_hex: 00ff }, http: { status: [204, 300-302] }, interval: 100ms }'),
    );
    expect(pool?.targets[0]?.check).toMatchObject({
      fastIntervalMs: 100,
      probes: [
        {
          status: [
            [204, 204],
            [300, 302],
          ],
        },
        { send: Buffer.from('hi'), expect: Buffer.from([0, 255]) },
      ],
    });
  });

  it.each([
    ['{}', /says nothing to check/],
    ['{ http: { path: healthz } }', /not a path: it begins with \//],
    ['{ http: { host: "a\\r\\nX-Evil: 1" } }', /not a host name/],
    ['{ http: { matches: "(" } }', /not a regular expression/],
    ['{ http: { status: 300-200 } }', /the lower status comes first/],
    ['{ tcp: { port: 0 } }', /a port is from 1 to 65535/],
    ['{ udp: { port: 7 } }', /give send or send_hex/],
    ['{ tcp: { port: 25 }, by: vip }', /unknown key/],
    ['{ tcp: { port: 25 }, timeout: 5 }', /expected string, received number/],
  ])('%s is refused', (check, message) => {
    expect(wrong(() => parse(check))).toMatch(message);
  });

  it('a file of certificates must be readable and have some', () => {
    const ca =
      (name: string): (() => unknown) =>
      () =>
        poolChecks(parse(`{ https: { ca: ${name} } }`));
    expect(ca('/nonexistent/ca.pem')).toThrow(/pools\.web\.check\.https\.ca: ENOENT/);
    expect(ca('/etc/hostname')).toThrow(/has no certificate in PEM form/);
  });
});

describe('announce', () => {
  it('is off without a section, and has defaults within one', () => {
    expect(parse('{ icmp: {} }').announce).toBeUndefined();
    expect(parse('{ icmp: {} }', 'announce: { verify: { daemon: frr } }').announce).toEqual({
      table: 231,
      protocol: 201,
      metric: 100,
      require: 'all',
      startup_hold: 5000,
      on_exit: 'keep',
      depreference: { metric: 200, before_withdraw: 30_000 },
      verify: { daemon: 'frr', sessions: '*' },
    });
  });

  it.each([
    ['{ table: 254 }', /at most 252/],
    ['{ protocol: 12 }', /belongs to a routing daemon/],
    ['{ metric: 300 }', /depreference\.metric must be above metric/],
  ])('%s is refused', (announce, message) => {
    expect(wrong(() => parse('{ icmp: {} }', `announce: ${announce}`))).toMatch(message);
  });
});
