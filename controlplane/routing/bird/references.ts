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
  const stack: { readonly statement: Statement; readonly options: boolean }[] = [];
  const push = (inner: readonly Statement[], options: boolean): void => {
    for (let i = inner.length - 1; i >= 0; i--) stack.push({ statement: inner[i]!, options });
  };
  push(statements, false);
  for (let next = stack.pop(); next && findings.length < enough; next = stack.pop()) {
    const { statement, options } = next;
    const { parts } = statement;
    if (options) {
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
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (isBlock(part)) {
        const protocol = starts(statement, 'protocol') || starts(statement, 'template');
        push(part.statements, part.kind === 'options' && (options || protocol));
        continue;
      }
      const open = parts[i + 1];
      if (part.kind !== 'symbol' || open === undefined || isBlock(open) || open.text !== '(') continue;
      const before = parts[i - 1];
      if (i > 0 && before && !isBlock(before) && (before.text === '.' || before.text === 'function')) continue;
      if (inFilter(statement, i, next.options) && !builtIn.has(part.text) && !defined.functions.has(part.text)) {
        add('function', part);
      }
    }
  }
  return findings;
}

/** Whether a word within a statement is part of a filter, where `name (` is a call. */
function inFilter({ parts }: Statement, index: number, options: boolean): boolean {
  if (!options) return index > 0 || !['define', 'log'].includes((parts[0] as Token).text);
  const second = parts[1];
  return index > 1 && second !== undefined && !isBlock(second) && second.text === 'where';
}
