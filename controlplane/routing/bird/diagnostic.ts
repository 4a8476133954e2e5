/**
 * What is wrong or worth knowing about a configuration, as data. Lexer, parser, lints and advice all speak in these,
 * and one function renders them, so that every message looks the same: file:line:column, the line, a caret, a hint.
 */
import { type Position, positionOf, type Span } from './source.ts';

/** How much it matters: an `error` keeps BIRD from starting or traffic from flowing, a `warning` will bite, `info` is good to know. */
export type Severity = 'error' | 'warning' | 'info';

/** One remark on a configuration. */
export interface Diagnostic {
  /** Stable name, for programs: `missing-semicolon`, `kernel-export-none`, … */
  readonly code: string;
  readonly severity: Severity;
  /** What is so, in one sentence without a full stop. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** The text concerned; missing when the remark is about something that is not there. */
  readonly span?: Span;
}

/** Where a remark points, or undefined when it is about the whole configuration. */
export function diagnosticPosition(diagnostic: Diagnostic): Position | undefined {
  return diagnostic.span && positionOf(diagnostic.span);
}

/** Text for people: `file:line:column: severity: message`, then the line with a caret, then the hint. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { severity, message, hint, span } = diagnostic;
  const lines: string[] = [];
  if (span) {
    const { path, line, column } = positionOf(span);
    const text = span.source.line(line);
    lines.push(`${path}:${line}:${column}: ${severity}: ${message}`);
    // Very long lines would drown the message.
    if (text.length <= 160) {
      const width = Math.max(1, Math.min(span.end - span.start, text.length - column + 1));
      lines.push(`  ${text}`, `  ${text.slice(0, column - 1).replace(/[^\t]/g, ' ')}${'^'.repeat(width)}`);
    }
  } else lines.push(`${severity}: ${message}`);
  if (hint) lines.push(`  fix: ${hint}`);
  return lines.join('\n');
}
