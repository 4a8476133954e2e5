/**
 * Tokens of bird.conf, as BIRD's own lexer cuts them. Keywords are symbols here: which words are keywords depends on
 * BIRD's version and on the protocols compiled in, and is a question for readers and lints, not for the lexer.
 *
 * A prefix is not a token, in BIRD neither: `192.0.2.0/24` is an address, a slash and a number; `readPrefix` joins them.
 */
import type { SourceText } from './source.ts';

/**
 * - `symbol`: a bare word; `quoted`: a symbol in apostrophes, `text` with them, `value` without
 * - `number`: decimal or 0x hexadecimal, 32 bit unsigned, in `value`
 * - `string`: in double quotes, `value` without them
 * - `ip4`, `ip6`, `mac`, `rd` (route distinguisher), `bytes` (byte string)
 * - `else`: the one token `else:` of a case
 * - `op`: operators and punctuation
 * - `bad`: a character or an unfinished string that BIRD would refuse; an error has been reported for it
 */
export type TokenKind =
  | 'symbol'
  | 'quoted'
  | 'number'
  | 'string'
  | 'ip4'
  | 'ip6'
  | 'rd'
  | 'mac'
  | 'bytes'
  | 'else'
  | 'op'
  | 'bad';

/** One token with its place; `source.text.slice(start, end) === text` always holds. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** What a token means: text without quotes for strings and quoted symbols, else the text itself. */
export function tokenValue(token: Token): string {
  if (token.kind === 'string' || token.kind === 'quoted') return token.text.slice(1, -1);
  return token.text;
}

/** The number of a `number` token. */
export function tokenNumber(token: Token): number | undefined {
  return token.kind === 'number' ? Number(token.text) : undefined;
}

/** Whether a token stands for a value, so that a second one cannot follow without an operator or a separator. */
export function isLiteral(token: Token): boolean {
  const { kind } = token;
  return (
    kind === 'number' ||
    kind === 'string' ||
    kind === 'ip4' ||
    kind === 'ip6' ||
    kind === 'rd' ||
    kind === 'mac' ||
    kind === 'bytes'
  );
}
