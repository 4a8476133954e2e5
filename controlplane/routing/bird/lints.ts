/** What a version of BIRD would not take or has given up: the same file must often serve Debian 12's 2.0.12 and a 3.x. */
import type { BirdConfig } from './config.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isBlock, type Statement, spanOf, starts } from './tree.ts';

/** Compare versions by their numbers: `2.0.12` < `2.14`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

interface Rule {
  readonly code: string;
  /** First version that knows it. */
  readonly since: string;
  readonly what: string;
  matches(statement: Statement): boolean;
}

const pair = (statement: Statement, first: string, second: string): boolean =>
  statement.parts.some((part, i) => {
    const next = statement.parts[i + 1];
    return !isBlock(part) && part.text === first && next !== undefined && !isBlock(next) && next.text === second;
  });

const rules: readonly Rule[] = [
  { code: 'needs-cli', since: '2.16', what: "'cli' sockets", matches: (s) => starts(s, 'cli') },
  { code: 'needs-learn-all', since: '2.14', what: "'learn all'", matches: (s) => starts(s, 'learn', 'all') },
  {
    code: 'needs-return-type',
    since: '2.14',
    what: "a function's return type",
    matches: (s) => starts(s, 'function') && pair(s, '-', '>'),
  },
  { code: 'needs-threads', since: '2.14', what: "'threads'", matches: (s) => starts(s, 'threads') },
  { code: 'needs-thread-group', since: '3.0', what: "'thread group'", matches: (s) => starts(s, 'thread', 'group') },
  { code: 'needs-restart-time', since: '3.0', what: "'restart time'", matches: (s) => starts(s, 'restart', 'time') },
  { code: 'needs-export-in', since: '3.0', what: "'export in'", matches: (s) => starts(s, 'export', 'in') },
];

/** What `version` of BIRD would refuse among the things known to differ. */
export function lintBird(config: BirdConfig, version: string): Diagnostic[] {
  const findings: Diagnostic[] = [];
  const stack = [...config.parsed.statements].reverse();
  for (let statement = stack.pop(); statement; statement = stack.pop()) {
    for (const { code, since, what, matches } of rules) {
      if (compareVersions(version, since) >= 0 || !matches(statement)) continue;
      const span = spanOf(statement);
      findings.push({
        code,
        severity: 'error',
        message: `${what} needs BIRD ${since}, this is ${version}`,
        hint: `leave it out or install BIRD ${since} or later`,
        ...(span === undefined ? {} : { span }),
      });
    }
    for (const part of statement.parts.toReversed()) {
      if (isBlock(part) && part.kind === 'options') for (const inner of part.statements.toReversed()) stack.push(inner);
    }
  }
  return findings;
}
