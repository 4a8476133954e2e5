/**
 * The generic statement tree. A statement is its tokens and `{…}` blocks in order, without the closing `;`. Nothing in
 * it knows what the words mean: filters, new protocols and options of versions to come all fit, and readers pick out
 * what they know.
 */
import type { Span } from './source.ts';
import { type Token, tokenValue } from './token.ts';

/**
 * What kind of things a block holds; it decides what must end with `;`.
 * - `options`: each item ends with `;`, also after a block (protocols, channels, interfaces, areas)
 * - `commands`: filter code, where a block ends its statement
 * - `cases`: like commands, with labels
 * - `list`: words and commas (`debug { states, routes }`)
 */
export type BlockKind = 'options' | 'commands' | 'cases' | 'list';

/** A `{…}` block. */
export interface Block {
  readonly kind: BlockKind;
  readonly open: Token;
  readonly statements: Statement[];
  /** Missing when the text ends before the block does. */
  close?: Token;
}

/** One statement, in order of the text. */
export interface Statement {
  readonly parts: (Token | Block)[];
}

/** Whether a part is a block. */
export function isBlock(part: Token | Block | undefined): part is Block {
  return part !== undefined && 'statements' in part;
}

/** The tokens of a statement outside of its blocks. */
export function tokensOf(statement: Statement): Token[] {
  return statement.parts.filter((part): part is Token => !isBlock(part));
}

/** The last block of a statement: the body of a protocol, channel or filter. */
export function bodyOf(statement: Statement): Block | undefined {
  return statement.parts.findLast(isBlock);
}

/** The first token, or the opening brace of a bare block. */
export function firstToken(statement: Statement): Token | undefined {
  const part = statement.parts[0];
  return isBlock(part) ? part.open : part;
}

/** The last token, the closing brace of a block included. */
export function lastToken(statement: Statement): Token | undefined {
  const part = statement.parts.at(-1);
  return isBlock(part) ? (part.close ?? part.open) : part;
}

/** Whether a statement begins with these words: `starts(s, 'kernel', 'table')`. */
export function starts(statement: Statement, ...words: readonly string[]): boolean {
  return words.every((word, i) => {
    const part = statement.parts[i];
    return part !== undefined && !isBlock(part) && part.text === word;
  });
}

/** The part behind some words, if the statement begins with them. */
export function after(statement: Statement, ...words: readonly string[]): Token | Block | undefined {
  return starts(statement, ...words) ? statement.parts[words.length] : undefined;
}

/** The meaning of the n-th part when it is a token. */
export function wordAt(statement: Statement, index: number): string | undefined {
  const part = statement.parts[index];
  return part === undefined || isBlock(part) ? undefined : tokenValue(part);
}

/** The whole statement as a span when it lies in one file, else its first token. */
export function spanOf(statement: Statement): Span | undefined {
  const first = firstToken(statement);
  const last = lastToken(statement);
  if (!first || !last) return first;
  return first.source === last.source && last.end >= first.end
    ? { source: first.source, start: first.start, end: last.end }
    : first;
}

/** The head of a statement, up to its first block: where a remark about a whole protocol points. */
export function headSpan(statement: Statement): Span | undefined {
  const first = firstToken(statement);
  const index = statement.parts.findIndex(isBlock);
  const last = index > 0 ? statement.parts[index - 1] : undefined;
  if (!first || !last || isBlock(last) || last.source !== first.source) return first;
  return { source: first.source, start: first.start, end: last.end };
}
