/**
 * Do packets meet no rules but the kernel's own three? Then a route look-up is the local table, the main table, and (in
 * IPv4) a default table nobody fills; only then may the mirror, which knows the first two, answer for the kernel. A
 * VRF brings a rule of its own, so boxes with VRFs are covered by the same question.
 */
import type { Rule } from '../../netlink/index.ts';

const usual = {
  4: [
    [0, 255],
    [32766, 254],
    [32767, 253],
  ],
  6: [
    [0, 255],
    [32766, 254],
  ],
} as const;

/** @returns the first rule (or lack of one) that makes a family's routing more than plain; undefined when none does. */
export function unusualRule(rules: readonly Rule[], family: 4 | 6): string | undefined {
  const own = rules.filter((rule) => rule.family === family);
  const strange = own.find((rule) => !isPlain(rule) || !isUsual(rule));
  if (strange) return `IPv${family} rule ${strange.priority}`;
  if (own.length !== usual[family].length) return `IPv${family} lacks one of the kernel's own rules`;
  return undefined;
}

function isUsual({ family, priority, table }: Rule): boolean {
  return usual[family].some(([wanted, of]) => wanted === priority && of === table);
}

function isPlain(rule: Rule): boolean {
  return (
    rule.action === 'table' &&
    !rule.inverted &&
    !rule.l3mdev &&
    !rule.unknownConditions &&
    rule.tos === 0 &&
    [
      rule.from,
      rule.to,
      rule.inputInterface,
      rule.outputInterface,
      rule.mark,
      rule.ipProtocol,
      rule.sourcePorts,
      rule.destinationPorts,
      rule.users,
      rule.suppressPrefixLength,
    ].every((selector) => selector === undefined) &&
    (rule.tunnelId ?? 0n) === 0n
  );
}
