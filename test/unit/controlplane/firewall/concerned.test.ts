import { describe, expect, it } from 'vitest';
import { claimsOf, vrfFindings } from '../../../../controlplane/firewall/concerned.ts';
import type { Finding, Scope } from '../../../../controlplane/firewall/finding.ts';
import { ruleFindings } from '../../../../controlplane/firewall/policy-rules.ts';
import { trafficControlFindings } from '../../../../controlplane/firewall/traffic-control.ts';
import type { Link, Rule } from '../../../../controlplane/netlink/index.ts';

const link = (index: number, name: string, more: Partial<Link> = {}): Link => ({ index, name, ...more }) as Link;
const links = [
  link(1, 'p0', { master: 10, masterKind: 'bridge' }),
  link(2, 'p1', { kind: 'veth', linkIndex: 3 }),
  link(3, 'p2', { kind: 'veth', linkIndex: 2, master: 11 }),
  link(4, 'p1.7', { kind: 'vlan', linkIndex: 2 }),
  link(10, 'br0', { kind: 'bridge' }),
  link(11, 'red', { kind: 'vrf' }),
];
const ports = links.slice(0, 3);
const finding = (scope: Scope): Finding => ({ cause: 'nftables', where: 'here', scope });
const claimed = (scope: Scope): string[] =>
  claimsOf([finding(scope)], ports, links).map(({ ifindex, side }) => `${side} ${ifindex}`);

describe('ports a finding concerns', () => {
  it.each([
    ['all', 'all', ['in 1', 'in 2', 'in 3']],
    ['its name', [{ side: 'in', name: 'p1' }], ['in 2']],
    ['its number', [{ side: 'out', ifindex: 3 }], ['out 3']],
    ['the beginning of its name', [{ side: 'in', prefix: 'p' }], ['in 1', 'in 2', 'in 3']],
    ['a VLAN on it', [{ side: 'in', name: 'p1.7' }], ['in 2']],
    ['its bridge', [{ side: 'in', name: 'br0' }], ['in 1']],
    ['bridges at large', [{ side: 'in', bridged: true }], ['in 1']],
    ['its VRF', [{ side: 'in', name: 'red' }], ['in 3']],
    [
      'both sides',
      [
        { side: 'in', name: 'p0' },
        { side: 'out', name: 'p0' },
      ],
      ['in 1', 'out 1'],
    ],
    ['nobody', [{ side: 'in', name: 'docker0' }], []],
  ] as const)('%s', (_, scope, expected) => {
    expect(claimed(scope)).toEqual(expected);
  });

  it('a port of a VRF is found', () => {
    expect(vrfFindings(ports, links)).toEqual([
      { cause: 'vrf', where: 'p2 belongs to VRF red', scope: [{ side: 'in', name: 'p2' }] },
    ]);
  });
});

describe('policy rules', () => {
  const rule = (more: Partial<Rule>): Rule =>
    ({
      family: 4,
      priority: 100,
      action: 'table',
      table: 254,
      inverted: false,
      unknownConditions: false,
      ...more,
    }) as Rule;

  it.each([
    ['by source', { from: { family: 4, bytes: new Uint8Array(4), prefixLength: 8 } }],
    ['by port', { destinationPorts: [80, 80] }],
    ['by incoming interface', { inputInterface: 'p0' }],
    ['prohibit', { action: 'prohibit' }],
    ['a mark with an empty mask', { mark: 0, markMask: 0 }],
  ] as const)('the lookup follows rules %s', (_, more) => {
    expect(ruleFindings([rule(more as Partial<Rule>)])).toEqual([]);
  });

  it('it does not follow marks, nor what nobody knows', () => {
    expect(ruleFindings([rule({ mark: 7 })])).toMatchObject([{ scope: 'all' }]);
    expect(ruleFindings([rule({ mark: 7, inputInterface: 'p0' })])).toMatchObject([
      { scope: [{ side: 'in', name: 'p0' }] },
    ]);
    expect(ruleFindings([rule({ mark: 7, inputInterface: 'p0', inverted: true })])).toMatchObject([{ scope: 'all' }]);
    expect(ruleFindings([rule({ unknownConditions: true })])).toHaveLength(1);
    expect(ruleFindings([rule({ action: 'unknown' })])).toHaveLength(1);
  });
});

describe('traffic control', () => {
  const none = { in: false, out: false };

  it('what the kernel puts there by itself is no finding', () => {
    expect(trafficControlFindings('p0', { qdiscs: ['mq', 'fq_codel', 'clsact'], filters: none })).toEqual([]);
  });

  it('filters are, on their side, and shapers are on the way out', () => {
    expect(trafficControlFindings('p0', { qdiscs: ['clsact'], filters: { in: true, out: false } })).toMatchObject([
      { scope: [{ side: 'in', name: 'p0' }] },
    ]);
    expect(trafficControlFindings('p0', { qdiscs: ['htb'], filters: none })).toMatchObject([
      { scope: [{ side: 'out', name: 'p0' }] },
    ]);
  });
});
