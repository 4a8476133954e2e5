/** What the check of a bird.conf learns of the box, and which file it looks at when none is named. */
import { describe, expect, it } from 'vitest';
import { announced, selectedTables, usualBirdFile } from '../../../../appliance/cli/bird-context.ts';
import { checkBird } from '../../../../appliance/cli/check-bird.ts';
import { parseConfig } from '../../../../appliance/config/load.ts';
import type { Rule } from '../../../../controlplane/netlink/index.ts';

const rule = (family: 4 | 6, table: number, more: Partial<Rule> = {}): Rule =>
  ({ family, priority: 0, action: 'table', table, l3mdev: false, ...more }) as Rule;
const config = (more: string) =>
  parseConfig(`version: 1\ndataplane: { interfaces: [ { match: eth0 } ] }\n${more}`, 'f');
const there =
  (...paths: string[]) =>
  (path: string): boolean =>
    paths.includes(path);

describe('usualBirdFile()', () => {
  it.each([
    ['nothing of BIRD', undefined, there(), undefined],
    ['a file, and no BIRD that runs', undefined, there('/etc/bird/bird.conf'), undefined],
    ['a socket and a file', undefined, there('/run/bird/bird.ctl', '/etc/bird/bird.conf'), '/etc/bird/bird.conf'],
    [
      "BIRD's own build",
      undefined,
      there('/run/bird/bird.ctl', '/usr/local/etc/bird.conf'),
      '/usr/local/etc/bird.conf',
    ],
    ['a socket elsewhere', config('daemons: { bird: /s }'), there('/s', '/etc/bird.conf'), '/etc/bird.conf'],
    [
      'announcements by BIRD',
      config('announce: { verify: { daemon: bird } }'),
      there('/etc/bird.conf'),
      '/etc/bird.conf',
    ],
    ['announcements by FRR', config('announce: { verify: { daemon: frr } }'), there('/etc/bird.conf'), undefined],
  ])('with %s', (_, known, exists, expected) => {
    expect(usualBirdFile(known, exists)).toBe(expected);
  });
});

describe('selectedTables()', () => {
  it('goes by family, and takes the tables of all VRFs for their rule', () => {
    const rules = [
      rule(4, 255),
      rule(4, 254),
      rule(4, 7),
      rule(6, 254),
      rule(6, 0, { l3mdev: true }),
      rule(6, 9, { action: 'blackhole' }),
    ];
    expect(selectedTables(rules, [{ vrfTable: undefined }, { vrfTable: 12 }])).toEqual({
      ipv4: new Set([255, 254, 7]),
      ipv6: new Set([254, 12]),
    });
  });
});

describe('announced()', () => {
  const services = `
pools: { p: { backends: { b: { address: 10.0.0.2 } } } }
services: { s: { frontends: [ { vip: [ 192.0.2.1, "2001:db8::1" ], tcp: 80 } ], pool: p } }
`;
  it('is the table, and the families of the VIPs', () => {
    expect(announced(config(`announce: { table: 99 }\n${services}`))).toEqual({
      announcementTable: 99,
      announcementFamilies: new Set(['ipv4', 'ipv6']),
    });
    expect(announced(config('announce: { verify: { daemon: frr } }'))).toEqual({});
    expect(announced(config(''))).toEqual({});
    expect(announced(undefined)).toEqual({});
  });
});

describe('checkBird()', () => {
  it('tells of a file that cannot be read, as text and as JSON', () => {
    expect(checkBird('/nowhere/bird.conf')).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/^read .*ENOENT/),
    });
    const { text } = checkBird('/nowhere/bird.conf', { json: true });
    expect(JSON.parse(text)).toMatchObject([{ code: 'unreadable', severity: 'error' }]);
  });
});
