/**
 * Policy rules (`ip rule`) that the packet path's lookup does not follow as the kernel does.
 *
 * bpf_fib_lookup asks the rules itself. It knows the packet's addresses, TOS (or traffic class and flow label),
 * protocol and ports, and the interface it came in by, so rules by those are followed, whatever they lead to: a table,
 * goto, blackhole, unreachable, prohibit, with suppressed prefixes or without. Rules by outgoing interface, user or
 * tunnel number never match a packet that is forwarded plainly, here or in the kernel. What it cannot know is the mark,
 * which something may set on a packet's way through the kernel. Rules with conditions this build does not know are
 * taken for such.
 */
import type { Rule } from '../netlink/index.ts';
import type { Finding } from './finding.ts';

export function ruleFindings(rules: readonly Rule[]): Finding[] {
  return rules.flatMap((rule) => {
    const reason = notFollowed(rule);
    if (!reason) return [];
    const where = `ip${rule.family === 6 ? ' -6' : ''} rule ${rule.priority} (${reason})`;
    const bound = rule.inputInterface !== undefined && !rule.inverted;
    return [
      {
        cause: 'rule' as const,
        where,
        scope: bound ? [{ side: 'in' as const, name: rule.inputInterface! }] : ('all' as const),
      },
    ];
  });
}

function notFollowed(rule: Rule): string | undefined {
  if (rule.mark !== undefined && (rule.markMask ?? 0xffffffff) !== 0) return `fwmark 0x${rule.mark.toString(16)}`;
  if (rule.unknownConditions) return 'conditions this version does not know';
  if (rule.action === 'unknown') return 'an action this version does not know';
  return undefined;
}
