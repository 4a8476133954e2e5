/**
 * References to what is not defined: filters, tables, functions. BIRD refuses them; here they are warnings, for a part of
 * a configuration may be checked on its own, and a version to come may know words that this does not.
 */
import type { Diagnostic } from './diagnostic.ts';
import { clip } from './limits.ts';
import type { Token } from './token.ts';
import { tokenValue } from './token.ts';
import { type Block, isBlock, type Statement, starts } from './tree.ts';

/** What a configuration defines. */
export interface Defined {
  readonly filters: { has(name: string): boolean };
  readonly functions: { has(name: string): boolean };
  readonly tables: { has(name: string): boolean };
}

/** Words of filters that a bracket may follow without being calls of a function of the configuration. */
const builtIn = new Set([
  ...['if', 'then', 'else', 'case', 'return', 'for', 'do', 'in', 'print', 'printn', 'error', 'accept', 'reject'],
  ...['defined', 'unset', 'add', 'delete', 'filter', 'prepend', 'roa_check', 'format', 'from_hex', 'empty'],
  ...['aspa_check', 'aspa_check_upstream', 'aspa_check_downstream', 'rt', 'ro', 'generic', 'unknown', 'link_local'],
  ...['where', 'as', 'bgp_mask', 'eval', 'bt_assert', 'bt_check_assign', 'bt_test_suite', 'bt_test_same', 'hex'],
  ...['len', 'mask', 'min', 'max', 'function', 'ip', 'int', 'prefix', 'pair', 'path', 'set', 'exists'],
]);

/** How many warnings of this kind help. */
const enough = 50;

/** Warnings about what is referred to and not defined, in the order of the text. */
export function undefinedReferences(statements: readonly Statement[], defined: Defined): Diagnostic[] {
  const findings: Diagnostic[] = [];
  const told = new Set<string>();
  const add = (kind: string, token: Token): void => {
    const name = tokenValue(token);
    const key = `${kind} ${name}`;
    if (told.has(key)) return;
    told.add(key);
    findings.push({
      code: `undefined-${kind}`,
      severity: 'warning',
      message: `no ${kind} '${clip(name)}' is defined`,
      hint: `define it, or correct the name`,
      span: token,
    });
  };
  const name = (part: Token | Block | undefined): Token | undefined =>
    part && !isBlock(part) && (part.kind === 'symbol' || part.kind === 'quoted') ? part : undefined;

  // A stack of its own, as nesting has no limit; statements in reverse, to come in order.
  const stack: Statement[] = [];
  const places: Place[] = [];
  const push = (inner: readonly Statement[], place: Place): void => {
    for (let i = inner.length - 1; i >= 0; i--) {
      stack.push(inner[i]!);
      places.push(place);
    }
  };
  push(statements, 'top');
  for (let statement = stack.pop(); statement && findings.length < enough; statement = stack.pop()) {
    const place = places.pop()!;
    const { parts } = statement;
    if (place === 'options') {
      const policy = starts(statement, 'import') || starts(statement, 'export');
      const filter = policy && starts({ parts: parts.slice(1, 2) }, 'filter') ? name(parts[2]) : undefined;
      // Old filters declare variables in front of their block: "filter int a; { … }".
      if (filter && parts.length === 3 && !defined.filters.has(tokenValue(filter))) add('filter', filter);
      const at = starts(statement, 'table')
        ? 1
        : starts(statement, 'peer', 'table') || starts(statement, 'igp', 'table')
          ? 2
          : 0;
      const table = at > 0 && parts.length === at + 1 ? name(parts[at]) : undefined;
      if (table && !defined.tables.has(tokenValue(table))) add('table', table);
    }
    const from = callsFrom(statement, place);
    let mask = false;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (isBlock(part)) {
        push(part.statements, part.kind === 'options' || part.kind === 'list' ? 'options' : 'code');
        continue;
      }
      // Within "[= … =]" a number in brackets may follow a name.
      if (part.kind === 'op') mask = part.text === '[=' || (mask && part.text !== '=]');
      const open = parts[i + 1];
      if (part.kind !== 'symbol' || i < from || mask || open === undefined || isBlock(open) || open.text !== '(')
        continue;
      const before = parts[i - 1];
      if (before && !isBlock(before) && before.text === '.') continue;
      if (!builtIn.has(part.text) && !defined.functions.has(part.text)) add('function', part);
    }
  }
  return findings;
}

/** Where a statement stands. */
type Place = 'top' | 'options' | 'code';

/** From which part on `name (` is a call, and no option with a value in brackets. */
function callsFrom({ parts }: Statement, place: Place): number {
  if (place === 'code') return 0;
  const word = (index: number): string => {
    const part = parts[index];
    return part === undefined || isBlock(part) ? '' : part.text;
  };
  if (place === 'options') return word(1) === 'where' ? 2 : Number.POSITIVE_INFINITY;
  return word(0) === 'define' ? 3 : word(0) === 'eval' ? 1 : Number.POSITIVE_INFINITY;
}
