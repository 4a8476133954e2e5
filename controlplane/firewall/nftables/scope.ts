/**
 * Which packets does an nftables ruleset see on their way through this host?
 *
 * Chains at `input` and `output` see none: a firewall that only guards the host leaves the fast path alone. At
 * `prerouting`, `forward` and `postrouting` a chain with rules, or with a policy of drop, sees all of them, unless each
 * of its rules begins by asking for an interface and does nothing that concerns other packets too. Connection tracking
 * and NAT do concern others: the replies, which come in elsewhere. So do `counter` and the like before the interface is
 * asked for. Sets of interfaces are not looked into.
 */
import { type Finding, type InterfaceMatch, joinScopes, type Scope } from '../finding.ts';
import type { Chain, Expression, Rule, Ruleset } from './ruleset.ts';

/** include/uapi/linux/netfilter/nf_tables.h: enum nft_meta_keys */
const sides: Readonly<Record<number, { side: 'in' | 'out'; by: 'index' | 'name' }>> = {
  4: { side: 'in', by: 'index' },
  5: { side: 'out', by: 'index' },
  6: { side: 'in', by: 'name' },
  7: { side: 'out', by: 'name' },
};
const passingHooks: ReadonlySet<string> = new Set(['prerouting', 'forward', 'postrouting', 'ingress', 'egress']);
/** Only look, when they do not write. */
const looks: ReadonlySet<string> = new Set(['payload', 'bitwise', 'byteorder', 'range', 'exthdr', 'fib', 'rt', 'hash']);
/** Act on the packet at hand and remember nothing that another packet's fate depends on. */
const acts: ReadonlySet<string> = new Set([...looks, 'counter', 'log', 'limit', 'quota', 'reject', 'last', 'numgen']);

/** What of the ruleset forwarded packets would meet. */
export function findingsOf(ruleset: Ruleset): Finding[] {
  const rules = new Map<string, Rule[]>();
  for (const rule of ruleset.rules) {
    const key = keyOf(rule.family, rule.table, rule.chain);
    const of = rules.get(key);
    if (of) of.push(rule);
    else rules.set(key, [rule]);
  }
  return ruleset.chains.flatMap((chain) => {
    const finding = ofChain(chain, rules);
    return finding ? [finding] : [];
  });
}

function keyOf(family: string, table: string, chain: string): string {
  return `${family}\0${table}\0${chain}`;
}

function ofChain(chain: Chain, rules: ReadonlyMap<string, readonly Rule[]>): Finding | undefined {
  const { base } = chain;
  if (!base || chain.family === 'arp' || !passingHooks.has(base.hook)) return undefined;
  const own = rules.get(keyOf(chain.family, chain.table, chain.name)) ?? [];
  if (own.length === 0 && !base.dropsByPolicy) return undefined;
  const nat = base.type === 'nat';
  const where = `chain ${chain.family} ${chain.table} ${chain.name} (${base.hook})`;
  const cause = nat ? 'nat' : 'nftables';
  if (chain.family === 'bridge') return { cause, where, scope: [{ side: 'in', bridged: true }] };
  // Chains of a device see its packets only, whatever they do with them.
  if (base.devices.length > 0) {
    const side = base.hook === 'egress' ? 'out' : 'in';
    return { cause, where, scope: base.devices.map((device) => ({ side, ...named(device) })) };
  }
  if (nat || base.dropsByPolicy) return { cause, where, scope: 'all' };
  const scope = scopeOfChain(chain, chain.name, rules, new Set());
  return scope !== 'all' && scope.length === 0 ? undefined : { cause, where, scope };
}

function named(device: string): { name: string } | { prefix: string } {
  return device.endsWith('*') ? { prefix: device.slice(0, -1) } : { name: device };
}

function scopeOfChain(
  { family, table }: Pick<Chain, 'family' | 'table'>,
  name: string,
  rules: ReadonlyMap<string, readonly Rule[]>,
  above: ReadonlySet<string>,
): Scope {
  if (above.has(name)) return [];
  const inside = new Set([...above, name]);
  return joinScopes((rules.get(keyOf(family, table, name)) ?? []).map((rule) => scopeOfRule(rule, rules, inside)));
}

function scopeOfRule(rule: Rule, rules: ReadonlyMap<string, readonly Rule[]>, above: ReadonlySet<string>): Scope {
  const { expressions } = rule;
  if (!expressions.every(actsAlone)) return 'all';
  const targets = expressions.flatMap((expression) =>
    expression.name === 'immediate' && expression.verdict?.chain ? [expression.verdict.chain] : [],
  );
  const below = joinScopes(targets.map((target) => scopeOfChain(rule, target, rules, above)));
  const bound = interfaceOf(expressions);
  if (bound)
    return below === 'all' && !targets.every((target) => isPlain(rule, target, rules, above)) ? 'all' : [bound];
  return targets.length > 0 && expressions.every(onlyLeads) ? below : 'all';
}

/** Does everything reachable from this chain act on the packet at hand alone? */
function isPlain(
  { family, table }: Rule,
  name: string,
  rules: ReadonlyMap<string, readonly Rule[]>,
  above: ReadonlySet<string>,
): boolean {
  if (above.has(name)) return true;
  const inside = new Set([...above, name]);
  return (rules.get(keyOf(family, table, name)) ?? []).every(
    (rule) =>
      rule.expressions.every(actsAlone) &&
      rule.expressions.every(
        (expression) =>
          expression.name !== 'immediate' ||
          !expression.verdict?.chain ||
          isPlain(rule, expression.verdict.chain, rules, inside),
      ),
  );
}

function actsAlone(expression: Expression): boolean {
  if (expression.name === 'lookup') return !expression.decides;
  return expression.name === 'other' ? acts.has(expression.kind) : true;
}

/** Part of a rule that leads to a chain and does nothing else. */
function onlyLeads(expression: Expression): boolean {
  return isLook(expression) || expression.name === 'immediate' || isCounter(expression);
}

function isCounter(expression: Expression): boolean {
  return expression.name === 'other' && expression.kind === 'counter';
}

function isLook(expression: Expression): boolean {
  switch (expression.name) {
    case 'meta':
      return expression.loads !== undefined;
    case 'cmp':
      return true;
    case 'lookup':
      return !expression.decides;
    case 'other':
      return looks.has(expression.kind) && !expression.writes;
    case 'immediate':
      return false;
  }
}

/** The interface a rule asks for before it does anything. */
function interfaceOf(expressions: readonly Expression[]): InterfaceMatch | undefined {
  const loaded = new Map<number, (typeof sides)[number] | undefined>();
  for (const expression of expressions) {
    if (!isLook(expression)) return undefined;
    if (expression.name === 'meta') loaded.set(expression.loads!, sides[expression.key]);
    else if (expression.name === 'cmp') {
      const about = loaded.get(expression.register);
      if (about && expression.equal) return match(about, expression.value);
    } else loaded.clear(); // what it loads, and into which register, is not looked at
  }
  return undefined;
}

function match({ side, by }: (typeof sides)[number], value: Uint8Array): InterfaceMatch | undefined {
  const bytes = Buffer.from(value);
  if (by === 'index') return bytes.length === 4 ? { side, ifindex: bytes.readUInt32LE() } : undefined;
  // Compared up to its end: with the NUL it is a name, without it the beginning of names.
  const end = bytes.indexOf(0);
  return end < 0 ? { side, prefix: bytes.toString('utf8') } : { side, name: bytes.toString('utf8', 0, end) };
}
