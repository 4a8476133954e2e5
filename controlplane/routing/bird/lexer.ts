/**
 * The lexer: text to tokens, exactly as BIRD 2 and 3 cut them, following `include` on the way.
 *
 * BIRD handles `include` here and not in its grammar: a line that begins with it is replaced by the file's tokens,
 * wherever it stands, even within a set. Paths are relative to the including file; those with `?*[` are patterns,
 * sorted, where no match is silence; a plain file that is missing is an error. The depth is bounded.
 *
 * Nothing throws: what BIRD would refuse is reported and skipped, so that one bad character costs one message. What is
 * broken all over, or larger than any configuration, is given up at a limit; time goes with the length of the text.
 */
import type { Diagnostic } from './diagnostic.ts';
import { type ConfigFiles, expandPattern, folderOf, isPattern } from './files.ts';
import { clip, maxBytes, maxDiagnostics, maxFiles, maxPath, maxTokens } from './limits.ts';
import { checkDistinguisher, isIp4, isIp6, matchLiteral } from './literals.ts';
import { SourceText } from './source.ts';
import type { Token, TokenKind } from './token.ts';

/** BIRD counts the main file as depth 1 and refuses an include from depth 8. */
const maxDepth = 8;
const maxSymbol = 64;
const longOperators = new Set(['!=', '!~', '<=', '>=', '&&', '||', '[=', '=]', '..']);
const includeLine = /[ \t]*include[ \t]*"/y;
const includeRest = /([^"\n]+)"[ \t]*;/y;

/** What came of lexing: all tokens in order, files in order of opening, and what BIRD would refuse. */
export interface LexResult {
  readonly tokens: readonly Token[];
  readonly sources: readonly SourceText[];
  readonly diagnostics: readonly Diagnostic[];
  /** Whether it was given up before the end, so that what is missing behind it means nothing. */
  readonly stopped: boolean;
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
  /** The end of a line at or behind `at`, as last looked up; a line may hold a million strings. */
  lineEnd: number;
  /** Whether `at` is the start of a line in BIRD's eyes, where an include counts. */
  lineStart: boolean;
}

const isWord = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || (code >= 48 && code <= 57);
const isDigit = (code: number): boolean => code >= 48 && code <= 57;
/** Control characters and all that is not ASCII. */
const isForeign = (code: number): boolean => code >= 127 || (code < 32 && code !== 9 && code !== 10);

const foreignHints: Readonly<Record<number, string>> = {
  13: 'save the file with Unix line ends',
  160: 'this is a no-break space; write a plain one',
  65279: 'save the file without a byte order mark',
  8216: "write ' for it",
  8217: "write ' for it",
  8220: 'write " for it',
  8221: 'write " for it',
  8211: 'write - for it',
  8212: 'write - for it',
};

class Lexer implements LexResult {
  readonly tokens: Token[] = [];
  readonly sources: SourceText[] = [];
  readonly diagnostics: Diagnostic[] = [];
  stopped = false;
  readonly #files: ConfigFiles | undefined;
  readonly #stack: Frame[] = [];
  #bytes = 0;
  /** The last file in which a carriage return was reported: it has one on every line. */
  #returns: SourceText | undefined;

  constructor(files: ConfigFiles | undefined) {
    this.#files = files;
  }

  run(main: SourceText): void {
    if (!this.#enter(main, 1)) {
      const message = `the file is larger than ${maxBytes >> 20} MiB`;
      this.diagnostics.push({ code: 'too-large', severity: 'error', message });
      this.stopped = true;
    }
    for (let frame = this.#stack.at(-1); frame; frame = this.#stack.at(-1)) {
      const included = this.#scan(frame);
      if (this.stopped) return;
      if (!included) this.#stack.pop();
    }
  }

  /** Put a file on the stack, unless all files together are too much. */
  #enter(source: SourceText, depth: number): boolean {
    this.#bytes += source.text.length;
    if (this.#bytes > maxBytes) return false;
    this.sources.push(source);
    this.#stack.push({ source, depth, at: 0, lineEnd: -1, lineStart: true });
    return true;
  }

  /** Where the line of `at` ends. */
  #lineEnd(frame: Frame, at: number): number {
    if (frame.lineEnd < at) {
      const end = frame.source.text.indexOf('\n', at);
      frame.lineEnd = end < 0 ? frame.source.text.length : end;
    }
    return frame.lineEnd;
  }

  /** Report what ends the lexing, as BIRD ends at its first error. */
  #stop(code: string, message: string, frame: Frame, start: number, end: number, hint?: string): void {
    if (this.stopped) return;
    this.stopped = true;
    this.#error(code, message, frame, start, end, hint);
  }

  #error(code: string, message: string, frame: Frame, start: number, end: number, hint?: string): void {
    const span = { source: frame.source, start, end };
    this.diagnostics.push({ code, severity: 'error', message, span, ...(hint === undefined ? {} : { hint }) });
    // That many, and it is no configuration at all.
    if (this.diagnostics.length >= maxDiagnostics) this.stopped = true;
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
      if (this.stopped) return false;
      if (this.tokens.length >= maxTokens) {
        const hint = 'take it apart, or check a part of it';
        this.#stop('too-large', `more than ${maxTokens} words and signs`, frame, frame.at, frame.at + 1, hint);
        return false;
      }
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
        frame.at = this.#lineEnd(frame, start);
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
    if (kind === 'ip4' && !isIp4(found))
      this.#error('bad-address', `invalid IPv4 address ${clip(found, 60)}`, frame, start, end);
    else if (kind === 'ip6' && !isIp6(found)) {
      this.#error('bad-address', `invalid IPv6 address ${clip(found, 60)}`, frame, start, end);
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
    const limit = this.#lineEnd(frame, start);
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
    else this.#unknown(frame, start);
  }

  #unknown(frame: Frame, start: number): void {
    const { text } = frame.source;
    const code = text.codePointAt(start) ?? 0;
    let end = start + (code > 0xffff ? 2 : 1);
    // A run of them is one mistake: a word in another script, or a file that is no text.
    while (end < text.length && isForeign(text.charCodeAt(end))) end++;
    const name =
      code > 32 && code !== 127 ? `'${String.fromCodePoint(code)}'` : `0x${code.toString(16).padStart(2, '0')}`;
    if (code !== 13 || this.#returns !== frame.source) {
      if (code === 13) this.#returns = frame.source;
      const hint = foreignHints[code];
      this.#error('unknown-character', `BIRD does not know the character ${name}`, frame, start, end, hint);
    }
    this.#token('bad', frame, start, end);
  }

  /** Handle an include whose path begins at `at`; true when files were put on the stack. */
  #include(frame: Frame, at: number): boolean {
    const { text } = frame.source;
    const start = frame.at;
    includeRest.lastIndex = at;
    const path = includeRest.exec(text)?.[1];
    if (path === undefined || path.length > maxPath) {
      const line = this.#lineEnd(frame, at);
      this.#error('bad-include', 'an include is one line: include "path";', frame, start, line);
      frame.at = line;
      return false;
    }
    const end = includeRest.lastIndex;
    frame.at = end;
    if (frame.depth >= maxDepth) {
      // BIRD ends here, too: files that include themselves several times would multiply for ever.
      const hint = 'a file probably includes itself';
      this.#stop('include-depth', `includes are nested deeper than ${maxDepth} files`, frame, start, end, hint);
      return false;
    }
    if (!this.#files) {
      this.#error('include-missing', `cannot read ${path}: no files are at hand`, frame, start, end);
      return false;
    }
    const full = path.startsWith('/') ? path : `${folderOf(frame.source.path)}/${path}`;
    const found = isPattern(path) ? expandPattern(this.#files, full) : [full];
    if (!Array.isArray(found)) {
      this.#error('include-missing', `cannot match ${full}: ${found.reason}`, frame, start, end);
      return false;
    }
    let entered = false;
    for (const file of found.toReversed()) {
      if (this.sources.length >= maxFiles) {
        this.#stop('include-count', `more than ${maxFiles} files are included`, frame, start, end);
        break;
      }
      try {
        if (!this.#enter(new SourceText(file, this.#files.read(file)), frame.depth + 1)) {
          const message = `with ${file} the files are larger than ${maxBytes >> 20} MiB together`;
          this.#stop('too-large', message, frame, start, end);
          break;
        }
        entered = true;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#error('include-missing', `cannot read the included file ${file}: ${reason}`, frame, start, end);
      }
    }
    return entered;
  }
}
