/** What is wrong with a configuration: data first, text last, so that every caller shows the same thing. */

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `dataplane.interfaces.0.match`; empty for the document. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** The line of the file it stands in. */
  readonly source: string;
}

/** The configuration cannot be used; all that is wrong with it is in `problems`. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(renderProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `file:line:col: path: message`, the line, a caret, and what to do. */
export function renderProblem({ file, line, column, path, message, hint, source }: Problem): string {
  const lines = [`${file}:${line}:${column}: ${path ? `${path}: ` : ''}${message}`];
  if (source.trim()) lines.push(`    ${source}`, `    ${source.slice(0, column - 1).replace(/[^\t]/g, ' ')}^`);
  if (hint) lines.push(`    fix: ${hint}`);
  return lines.join('\n');
}
