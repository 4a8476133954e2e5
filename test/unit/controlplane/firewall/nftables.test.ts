import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BaseChain, Expression, Rule, Ruleset } from '../../../../controlplane/firewall/nftables/ruleset.ts';
import { findingsOf } from '../../../../controlplane/firewall/nftables/scope.ts';

const meta = (key: number): Expression => ({ name: 'meta', key, loads: 1 });
const cmp = (value: string, equal = true): Expression => ({
  name: 'cmp',
  register: 1,
  equal,
  value: Buffer.from(value),
});
const iifname = (name: string): Expression[] => [meta(6), cmp(`${name}\0`)];
const other = (kind: string): Expression => ({ name: 'other', kind, writes: false });
const go = (kind: 'drop' | 'accept' | 'jump', chain?: string): Expression => ({
  name: 'immediate',
  verdict: { kind, chain },
});
const [drop, accept] = [go('drop'), go('accept')];

const base = (more: Partial<BaseChain> = {}): BaseChain => ({
  hook: 'forward',
  type: 'filter',
  dropsByPolicy: false,
  devices: [],
  ...more,
});

/** One base chain `c`, and chains that are jumped to. */
function ruleset(
  chain: BaseChain,
  rules: readonly Expression[][],
  others: Record<string, Expression[][]> = {},
): Ruleset {
  const at = { family: 'inet', table: 't' } as const;
  const of = (name: string, list: readonly Expression[][]): Rule[] =>
    list.map((expressions) => ({ ...at, chain: name, expressions }));
  return {
    chains: [
      { ...at, name: 'c', base: chain },
      ...Object.keys(others).map((name) => ({ ...at, name, base: undefined })),
    ],
    rules: [...of('c', rules), ...Object.entries(others).flatMap(([name, list]) => of(name, list))],
  };
}

const scope = (...args: Parameters<typeof ruleset>): unknown => findingsOf(ruleset(...args))[0]?.scope;

describe('what an nftables ruleset concerns', () => {
  it.each([
    ['nothing, when it has no rules', base(), []],
    ['nothing, at input', base({ hook: 'input', dropsByPolicy: true }), [[drop]]],
    ['nothing, at output', base({ hook: 'output' }), [[drop]]],
  ])('%s', (_, chain, rules) => {
    expect(findingsOf(ruleset(chain, rules))).toEqual([]);
  });

  it.each([
    ['a rule without an interface', base(), [[drop]]],
    ['a policy of drop without rules', base({ dropsByPolicy: true }), []],
    ['a policy of drop with rules that are bound', base({ dropsByPolicy: true }), [[...iifname('p0'), accept]]],
    ['one unbound among bound ones', base(), [[...iifname('p0'), drop], [other('counter')]]],
    ['an effect before the interface is asked for', base(), [[other('counter'), ...iifname('p0'), drop]]],
    ['connection tracking', base(), [[...iifname('p0'), other('ct'), drop]]],
    ['a match of iptables, which may track', base(), [[...iifname('p0'), other('match'), drop]]],
    ['NAT, whatever it is bound to', base({ type: 'nat', hook: 'postrouting' }), [[...iifname('p0'), other('masq')]]],
    ['any interface but one', base(), [[meta(6), cmp('p0\0', false), drop]]],
    ['a set of interfaces', base(), [[meta(6), { name: 'lookup', decides: false } as const, drop]]],
    ['a map of verdicts', base(), [[...iifname('p0'), { name: 'lookup', decides: true } as const]]],
    ['a comparison with something else', base(), [[meta(6), meta(3), cmp('p0\0'), drop]]],
    ['an expression nobody knows', base(), [[...iifname('p0'), other('whatever')]]],
  ])('all packets: %s', (_, chain, rules) => {
    expect(scope(chain, rules as Expression[][])).toBe('all');
  });

  it.each([
    ['by name', [meta(6), cmp('p0\0\0\0')], { side: 'in', name: 'p0' }],
    ['by the beginning of a name', [meta(6), cmp('p')], { side: 'in', prefix: 'p' }],
    ['by number', [meta(4), cmp('\x07\0\0\0')], { side: 'in', ifindex: 7 }],
    ['leaving', [meta(7), cmp('p1\0')], { side: 'out', name: 'p1' }],
    ['after looking at the packet', [other('payload'), { ...cmp('x') }, ...iifname('p0')], { side: 'in', name: 'p0' }],
  ])('one interface: %s', (_, expressions, match) => {
    expect(scope(base(), [[...expressions, other('counter'), drop]])).toEqual([match]);
  });

  it('a chain jumped to is as wide as its rules', () => {
    const jump = [other('counter'), go('jump', 'd')];
    expect(scope(base(), [jump], { d: [[...iifname('p0'), drop]] })).toEqual([{ side: 'in', name: 'p0' }]);
    expect(scope(base(), [jump], { d: [[drop]] })).toBe('all');
    expect(scope(base(), [[...iifname('p1'), go('jump', 'd')]], { d: [[drop]] })).toEqual([{ side: 'in', name: 'p1' }]);
    expect(scope(base(), [[...iifname('p1'), go('jump', 'd')]], { d: [[other('ct'), drop]] })).toBe('all');
    expect(findingsOf(ruleset(base(), [jump], { d: [] }))).toEqual([]);
  });

  it('a chain of devices concerns them only', () => {
    expect(scope(base({ hook: 'ingress', devices: ['p0', 'q*'] }), [[other('ct')]])).toEqual([
      { side: 'in', name: 'p0' },
      { side: 'in', prefix: 'q' },
    ]);
    expect(scope(base({ hook: 'egress', devices: ['p0'], dropsByPolicy: true }), [])).toEqual([
      { side: 'out', name: 'p0' },
    ]);
  });

  it('more rules never concern fewer packets', () => {
    const rule = fc.array(
      fc.constantFrom(meta(6), cmp('p0\0'), cmp('p1\0'), other('counter'), other('ct'), other('payload'), drop, accept),
      { maxLength: 6 },
    );
    const width = (rules: Expression[][]): number => {
      const found = scope(base(), rules);
      return found === 'all' ? Number.POSITIVE_INFINITY : Array.isArray(found) ? found.length : 0;
    };
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 5 }), rule, (rules, more) => {
        expect(width([...rules, more])).toBeGreaterThanOrEqual(width(rules));
      }),
    );
  });
});
