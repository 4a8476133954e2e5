/** Services in the configuration: what is filled in, what does not go together, and that one mistake stays alone. */
import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, parseConfig } from '../../../appliance/config/index.ts';

const base = `version: 1
dataplane: { interfaces: [ { match: "p*" } ] }
pools:
  web:
    backends:
      web1: { address: 10.1.0.11 }
      web2: { address: 10.1.0.12, weight: 50, state: draining, drain: 15m }
  six:
    backends: { a: { address: "2001:db8:1::1" } }
services:
  www:
    frontends: [ { vip: 198.51.100.10, tcp: [80, 443, 8000-8999], udp: 443 } ]
    pool: web
`;
const parse = (text: string): Config => parseConfig(text, 'headrace.yaml');
const also = (service: string): string => `${base}  other:\n${service.replace(/^/gm, '    ')}\n`;

describe('services', () => {
  it('have every default filled in', () => {
    const { pools, services, balancer, setAside, warnings } = parse(base);
    expect([setAside, warnings]).toEqual([[], []]);
    expect(pools['web']?.backends['web2']).toEqual({
      address: '10.1.0.12',
      weight: 50,
      state: 'draining',
      drain: 900_000,
      gue_port: 6080,
    });
    expect(services['www']).toMatchObject({
      frontends: [{ vip: ['198.51.100.10'], tcp: [80, 443, '8000-8999'], udp: [443], any: false }],
      forward: { mode: 'ipip' },
      quorum: { up: 0.5, down: 0.25 },
      icmp_echo: 'when_healthy',
    });
    expect(balancer).toMatchObject({ settle: 900_000, idle: 3_600_000, table: 16381, strict: false });
  });

  it.each<[string, string, RegExp, string]>([
    [
      'an unknown pool',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: wep',
      /no pool "wep"/,
      'services.other.pool',
    ],
    [
      'a port another service has',
      'frontends: [ { vip: [198.51.100.11, 198.51.100.10], tcp: 443 } ]\npool: web',
      /198\.51\.100\.10 tcp 443 belongs to service "www" already/,
      'services.other.frontends.0',
    ],
    [
      'a port inside a range of another',
      'frontends: [ { vip: 198.51.100.10, tcp: 8080 } ]\npool: web',
      /tcp 8080 belongs to service "www" already \(tcp 8000-8999\)/,
      'services.other.frontends.0',
    ],
    [
      'families that l2 cannot bridge',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: six\nforward: { mode: l2 }',
      /different families/,
      'services.other.frontends.0.vip',
    ],
    [
      'an address to be seen by that is a VIP',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: web\nforward: { mode: nat, snat: { addresses: [198.51.100.10] } }',
      /198.51.100.10 is a VIP too/,
      'services.other.forward.snat.addresses',
    ],
    [
      'SNAT without a mode that rewrites',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: web\nforward: { mode: ipip, snat: true }',
      /only goes with mode nat/,
      'services.other.forward.snat',
    ],
    [
      'a backend that is the VIP',
      'frontends: [ { vip: 10.1.0.11, tcp: 80 } ]\npool: web',
      /has the address of the VIP/,
      'services.other.frontends.0.vip',
    ],
    ['no frontends', 'frontends: []\npool: web', /name at least one frontend/, 'services.other.frontends'],
    [
      'a frontend without ports',
      'frontends: [ { vip: 198.51.100.11 } ]\npool: web',
      /has no ports/,
      'services.other.frontends.0',
    ],
    [
      'a bad address',
      'frontends: [ { vip: 198.51.100.256, tcp: 80 } ]\npool: web',
      /not an IP address/,
      'services.other.frontends.0.vip',
    ],
    [
      'a prefix with host bits',
      'frontends: [ { vip: 198.51.100.1/24, tcp: 80 } ]\npool: web',
      /no bits set behind/,
      'services.other.frontends.0.vip',
    ],
    [
      'a port that is none',
      'frontends: [ { vip: 198.51.100.11, tcp: 70000 } ]\npool: web',
      /from 1 to 65535/,
      'services.other.frontends.0.tcp',
    ],
    [
      'a range the wrong way round',
      'frontends: [ { vip: 198.51.100.11, tcp: 90-80 } ]\npool: web',
      /lower port first/,
      'services.other.frontends.0.tcp',
    ],
    [
      'a misspelt key',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npol: web\npool: web',
      /unknown key/,
      'services.other.pol',
    ],
    [
      'quorums the wrong way round',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: web\nquorum: { up: 10%, down: 20% }',
      /down must not be above up/,
      'services.other.quorum',
    ],
    [
      'quic without connection ids',
      'frontends: [ { vip: 198.51.100.11, udp: 443 } ]\npool: web\nbalance: { udp: quic }',
      /connection ids/,
      'services.other.balance.udp',
    ],
    [
      'quic without server ids',
      'frontends: [ { vip: 198.51.100.11, udp: 443 } ]\npool: web\nbalance: { udp: quic, quic: { cid_length: 8 } }',
      /server_id_length|expected/,
      'services.other.balance.quic.server_id_length',
    ],
    [
      'more backends than slots, or a size that is none',
      'frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: web\nbalance: { table: 1000 }',
      /Invalid|expected|1021/,
      'services.other.balance.table',
    ],
  ])('%s sets that service aside and no other', (_, text, message, path) => {
    const config = parse(also(text));
    expect(Object.keys(config.services)).toEqual(['www']);
    expect(config.setAside.map((problem) => problem.path)).toContain(path);
    expect(config.setAside.map((problem) => problem.message).join('\n')).toMatch(message);
    const line = also(text).split('\n')[(config.setAside[0]?.line ?? 0) - 1] ?? '';
    expect(line).toContain(config.setAside[0]?.source ?? 'nothing');
  });

  it('are all refused for one mistake when the file is strict', () => {
    const text = also('frontends: [ { vip: 198.51.100.11, tcp: 80 } ]\npool: wep');
    expect(() => parse(`${text}balancer: { strict: true }\n`)).toThrow(ConfigError);
    expect(() => parse(`${text}balancer: { strict: true }\n`)).toThrow(/no pool "wep"[\s\S]*did you mean "web"/);
  });

  it('go with a pool that is wrong, and come back with it', () => {
    const config = parse(base.replace('10.1.0.11', '10.1.0'));
    expect(Object.keys(config.services)).toEqual([]);
    expect(config.setAside.map(({ path }) => path)).toEqual(['pools.web.backends.web1.address', 'services.www.pool']);
    expect(config.setAside[0]?.line).toBe(6);
  });

  it('warn of tables that are too small and of VIPs whose services disagree', () => {
    const many = Array.from({ length: 20 }, (_, i) => `b${i}: { address: 10.2.0.${i + 1} }`).join(', ');
    const text = also(
      'frontends: [ { vip: 198.51.100.10, tcp: 25 } ]\npool: many\nbalance: { table: 1021 }\nicmp_echo: never',
    );
    const config = parse(text.replace('pools:\n', `pools:\n  many: { backends: { ${many} } }\n`));
    expect(config.setAside).toEqual([]);
    expect(config.warnings.map(({ path }) => path)).toEqual([
      'services.other.balance.table',
      'services.other.icmp_echo',
    ]);
  });

  it('warn of backends that QUIC cannot name, and of fragments that go to another service', () => {
    const text = also(
      'frontends: [ { vip: 198.51.100.10, udp: 444 } ]\npool: web\nfragments: hash3\nbalance: { udp: quic, table: 1021, quic: { cid_length: 8, server_id_length: 2 } }',
    );
    const config = parse(text.replace('pool: web', 'fragments: hash3\n    pool: web'));
    expect(config.setAside).toEqual([]);
    expect(config.warnings.map(({ path }) => path)).toEqual([
      'services.other.balance.quic',
      'services.other.balance.quic',
      'services.other.fragments',
    ]);
    const ids = (a: number, b: number) =>
      parse(
        text
          .replace('10.1.0.11 }', `10.1.0.11, quic_server_id: ${a} }`)
          .replace('10.1.0.12,', `10.1.0.12, quic_server_id: ${b},`),
      ).setAside.map(({ message }) => message);
    expect(ids(1, 2)).toEqual([]);
    expect(ids(7, 7)).toEqual([expect.stringMatching(/same server id, 7/)]);
    expect(ids(1, 65_536)).toEqual([expect.stringMatching(/more than 2 bytes/)]);
  });

  it('let the more precise win: a port before any, an address before a prefix', () => {
    const config = parse(
      also('frontends: [ { vip: [198.51.100.10, 198.51.100.0/24], tcp: any, any: true } ]\npool: web'),
    );
    expect(config.setAside).toEqual([]);
  });
});
