/**
 * The lexer: text to tokens, exactly as BIRD 2 and 3 cut them, following `include` on the way.
 *
 * BIRD handles `include` here and not in its grammar: a line that begins with it is replaced by the file's tokens,
 * wherever it stands, even within a set. Paths are relative to the including file; those with `?*[` are patterns,
 * sorted, where no match is silence; a plain file that is missing is an error. The depth is bounded.
 *
 * Nothing throws: what BIRD would refuse is reported and skipped, so that one bad character costs one message.
 */
import type { Diagnostic } from './diagnostic.ts';
import { type ConfigFiles, expandPattern, folderOf, isPattern } from './files.ts';
import { checkDistinguisher, isIp4, isIp6, matchLiteral } from './literals.ts';
import { SourceText } from './source.ts';
import type { Token, TokenKind } from './token.ts';

/** BIRD counts the main file as depth 1 and refuses an include from depth 8. */
const maxDepth = 8;
/** Includes of patterns that match themselves multiply; BIRD would grind on, we stop. */
const maxFiles = 4096;
const maxSymbol = 64;
const longOperators = new Set(['!=', '!~', '<=', '>=', '&&', '||', '[=', '=]', '..']);
const includeLine = /[ \t]*include[ \t]*"/y;
const includeRest = /([^"\n]+)"[ \t]*;/y;

/** What came of lexing: all tokens in order, files in order of opening, and what BIRD would refuse. */
export interface LexResult {
  readonly tokens: readonly Token[];
  readonly sources: readonly SourceText[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Lex a text; `files` serves includes (without it an include is an error). Never throws. */
export function lex(path: string, text: string, files?: ConfigFiles): LexResult {
  const lexer = new Lexer(files);
  lexer.run(new SourceText(path, text));
  return lexer;
}

interface Frame {
  readonly source: SourceText;
  readonly depth: number;
  at: number;
  /** Whether `at` is the start of a line in BIRD's eyes, where an include counts. */
  lineStart: boolean;
}

const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || (code >= 48 && code <= 57);
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

class Lexer implements LexResult {
  readonly tokens: Token[] = [];
  readonly sources: SourceText[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #files: ConfigFiles | undefined;
  readonly #stack: Frame[] = [];

  constructor(files: ConfigFiles | undefined) {
    this.#files = files;
  }

  run(main: SourceText): void {
    this.#enter(main, 1);
    for (let frame = this.#stack.at(-1); frame; frame = this.#stack.at(-1)) {
      if (!this.#scan(frame)) this.#stack.pop();
    }
  }

  #enter(source: SourceText, depth: number): void {
    this.sources.push(source);
    this.#stack.push({ source, depth, at: 0, lineStart: true });
  }

  #error(code: string, message: string, frame: Frame, start: number, end: number, hint?: string): void {
    const span = { source: frame.source, start, end };
    this.diagnostics.push({ code, severity: 'error', message, span, ...(hint === undefined ? {} : { hint }) });
  }

  #token(kind: TokenKind, frame: Frame, start: number, end: number): void {
    this.tokens.push({ kind, text: frame.source.text.slice(start, end), source: frame.source, start, end });
    frame.at = end;
    frame.lineStart = false;
  }

  /** Scan until the end of the file (false) or until an include has put other files on the stack (true). */
  #scan(frame: Frame): boolean {
    const { text } = frame.source;
    while (frame.at < text.length) {
      if (frame.lineStart) {
        frame.lineStart = false;
        includeLine.lastIndex = frame.at;
        if (includeLine.test(text)) {
          if (this.#include(frame, includeLine.lastIndex)) return true;
          continue;
        }
      }
      const start = frame.at;
      const code = text.charCodeAt(start);
      if (code === 10) {
        frame.at++;
        frame.lineStart = true;
      } else if (code === 32 || code === 9) frame.at++;
      else if (isWord(code)) this.#word(frame, start, code);
      else if (code === 35) {
        const end = text.indexOf('\n', start);
        frame.at = end < 0 ? text.length : end;
      } else if (code === 34) this.#string(frame, start);
      else if (code === 39) this.#quoted(frame, start);
      else if (code === 47 && text.charCodeAt(start + 1) === 42) this.#comment(frame, start);
      else if (code === 58 && text.charCodeAt(start + 1) === 58) this.#literal(frame, start);
      else this.#operator(frame, start);
    }
    return false;
  }

  #word(frame: Frame, start: number, first: number): void {
    const { text } = frame.source;
    let end = start + 1;
    if (isDigit(first)) {
      while (isDigit(text.charCodeAt(end))) end++;
      const next = text.charCodeAt(end);
      // A plain number, unless dots, colons or more word characters may make it an address or a hexadecimal.
      if (next !== 46 && next !== 58 && !isWord(next) && end - start < 20) this.#number(frame, start, end);
      else this.#literal(frame, start);
      return;
    }
    while (isWord(text.charCodeAt(end))) end++;
    if (text.charCodeAt(end) === 58) {
      if (end - start === 4 && text.startsWith('else', start)) this.#token('else', frame, start, end + 1);
      else this.#literal(frame, start);
    } else if (end - start >= 20) this.#literal(frame, start);
    else this.#token('symbol', frame, start, end);
  }

  #literal(frame: Frame, start: number): void {
    const { text } = frame.source;
    const match = matchLiteral(text, start);
    if (!match) {
      this.#operator(frame, start);
      return;
    }
    const { kind, end } = match;
    const found = text.slice(start, end);
    if (kind === 'number') {
      this.#number(frame, start, end);
      return;
    }
    if (kind === 'ip4' && !isIp4(found)) this.#error('bad-address', `invalid IPv4 address ${found}`, frame, start, end);
    else if (kind === 'ip6' && !isIp6(found)) {
      this.#error('bad-address', `invalid IPv6 address ${found}`, frame, start, end);
    } else if (kind === 'rd') {
      const reason = checkDistinguisher(found);
      if (reason) this.#error('bad-number', reason, frame, start, end);
    } else if (kind === 'symbol' && end - start > maxSymbol) {
      this.#error(
        'long-symbol',
        `the name ${found.slice(0, 20)}… is longer than ${maxSymbol} characters`,
        frame,
        start,
        end,
      );
    }
    this.#token(kind, frame, start, end);
  }

  #number(frame: Frame, start: number, end: number): void {
    const found = frame.source.text.slice(start, end);
    if (Number(found) > 0xffffffff) {
      this.#error('bad-number', `the number ${found.slice(0, 24)} does not fit 32 bits`, frame, start, end);
    }
    this.#token('number', frame, start, end);
  }

  #string(frame: Frame, start: number): void {
    const { text } = frame.source;
    const newline = text.indexOf('\n', start + 1);
    const limit = newline < 0 ? text.length : newline;
    const close = text.indexOf('"', start + 1);
    if (close >= 0 && close < limit) {
      this.#token('string', frame, start, close + 1);
      return;
    }
    this.#error(
      'unterminated-string',
      'this string has no closing quote on its line',
      frame,
      start,
      limit,
      'end the string with "',
    );
    this.#token('bad', frame, start, limit);
  }

  #quoted(frame: Frame, start: number): void {
    const { text } = frame.source;
    let end = start + 1;
    for (let code = text.charCodeAt(end); isWord(code) || code === 45 || code === 46 || code === 58; ) {
      code = text.charCodeAt(++end);
    }
    if (text[end] === "'") {
      if (end - start - 1 > maxSymbol) {
        this.#error('long-symbol', `this name is longer than ${maxSymbol} characters`, frame, start, end + 1);
      }
      this.#token('quoted', frame, start, end + 1);
      return;
    }
    const message =
      end >= text.length || text[end] === '\n'
        ? 'this quoted name is not closed'
        : 'a quoted name holds letters, digits and - . : _ only';
    this.#error('bad-symbol', message, frame, start, Math.min(end + 1, text.length));
    this.#token('bad', frame, start, end);
  }

  #comment(frame: Frame, start: number): void {
    const { text } = frame.source;
    const close = text.indexOf('*/', start + 2);
    const end = close < 0 ? text.length : close + 2;
    // BIRD's lexer sees an opening only from behind this comment's own, and "*/*" as a closing first.
    const nested = text.indexOf('/*', start + 2);
    if (nested >= 0 && nested + 1 < end && !(close >= 0 && nested >= close)) {
      this.#error('nested-comment', 'comments do not nest', frame, nested, nested + 2, 'remove the inner /*');
    }
    if (close < 0) {
      this.#error(
        'unterminated-comment',
        'this comment is never closed',
        frame,
        start,
        start + 2,
        'end the comment with */',
      );
    }
    frame.at = end;
  }

  #operator(frame: Frame, start: number): void {
    const { text } = frame.source;
    const two = text.slice(start, start + 2);
    if (longOperators.has(two)) this.#token('op', frame, start, start + 2);
    else if ('={}:;,.()+*/%<>~[]?!|&-'.includes(text.charAt(start))) this.#token('op', frame, start, start + 1);
    else {
      const code = text.codePointAt(start) ?? 0;
      const width = code > 0xffff ? 2 : 1;
      const name =
        code > 32 && code !== 127 ? `'${String.fromCodePoint(code)}'` : `0x${code.toString(16).padStart(2, '0')}`;
      const hint = code === 13 ? 'save the file with Unix line ends' : undefined;
      this.#error('unknown-character', `BIRD does not know the character ${name}`, frame, start, start + width, hint);
      this.#token('bad', frame, start, start + width);
    }
  }

  /** Handle an include whose path begins at `at`; true when files were put on the stack. */
  #include(frame: Frame, at: number): boolean {
    const { text } = frame.source;
    const start = frame.at;
    includeRest.lastIndex = at;
    const path = includeRest.exec(text)?.[1];
    const newline = text.indexOf('\n', at);
    const line = newline < 0 ? text.length : newline;
    if (path === undefined) {
      this.#error('bad-include', 'an include is one line: include "path";', frame, start, line);
      frame.at = line;
      return false;
    }
    const end = includeRest.lastIndex;
    frame.at = end;
    if (frame.depth >= maxDepth) {
      this.#error('include-depth', `includes are nested deeper than ${maxDepth} files`, frame, start, end);
      return false;
    }
    if (!this.#files) {
      this.#error('include-missing', `cannot read ${path}: no files are at hand`, frame, start, end);
      return false;
    }
    const full = path.startsWith('/') ? path : `${folderOf(frame.source.path)}/${path}`;
    const found = isPattern(path) ? expandPattern(this.#files, full) : [full];
    if (!found) this.#error('include-missing', `cannot match ${full}: its folder cannot be read`, frame, start, end);
    let entered = false;
    for (const file of (found ?? []).toReversed()) {
      if (this.sources.length >= maxFiles) {
        this.#error('include-count', `more than ${maxFiles} files are included`, frame, start, end);
        break;
      }
      try {
        this.#enter(new SourceText(file, this.#files.read(file)), frame.depth + 1);
        entered = true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#error('include-missing', `cannot read the included file ${file}: ${reason}`, frame, start, end);
      }
    }
    return entered;
  }
}
