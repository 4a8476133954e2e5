/**
 * From tokens to the statement tree. It knows braces, brackets and semicolons, a few heads that tell filter code from
 * options, and nothing else; so everything BIRD accepts parses, and what it cannot accept for its shape is reported
 * where a person would put the correction: before the word that should have begun a new statement, at the brace that
 * is never closed.
 *
 * The parser keeps its own stack, so depth of nesting costs memory and not the call stack, and it never throws.
 */
import type { Diagnostic, Severity } from './diagnostic.ts';
import type { ConfigFiles } from './files.ts';
import { lex } from './lexer.ts';
import { clip, maxDiagnostics } from './limits.ts';
import type { SourceText } from './source.ts';
import { isLiteral, type Token } from './token.ts';
import { type Block, type BlockKind, isBlock, lastToken, type Statement, tokensOf } from './tree.ts';
import {
  continuations,
  knownOptions,
  latencyValue,
  netTypes,
  optionHeads,
  selfTerminating,
  topHeads,
  valueTypes,
} from './words.ts';

/** A parsed configuration with all that is wrong with its shape. */
export interface ParsedFile {
  readonly statements: readonly Statement[];
  readonly tokens: readonly Token[];
  readonly sources: readonly SourceText[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Parse a configuration text, following includes through `files`. Never throws. */
export function parse(path: string, text: string, files?: ConfigFiles): ParsedFile {
  const lexed = lex(path, text, files);
  const parser = new Parser(lexed.tokens);
  // What was given up has an error already, and half a tree would only bring more.
  if (!lexed.stopped) parser.run();
  const diagnostics = [...lexed.diagnostics, ...parser.diagnostics].slice(0, maxDiagnostics);
  return { statements: parser.statements, tokens: lexed.tokens, sources: lexed.sources, diagnostics };
}

interface Level {
  readonly block: Block | undefined;
  readonly kind: BlockKind | 'top';
  readonly statements: Statement[];
  statement: Statement;
  /** Round and square brackets open in the statement, innermost last. */
  brackets: Token[];
  /** Braces open within brackets (lengths of prefixes in sets). */
  braces: number;
  /** Whether it is one statement of words and commas so far. */
  commas: boolean;
  /** Words and blocks the statement has so far: it may be long, and is not looked through again. */
  seen: number;
}

/** Bits of `Level.seen`. */
const sees = { where: 1, filter: 2, case: 4, block: 8 } as const;

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '[=': '=]' };
const listHeads = new Set(['debug', 'log', 'mrtdump', 'disable']);
/** Options whose blocks are known to hold statements, each with its `;`. */
const blockHeads = new Set([
  ...['protocol', 'template', 'interface', 'area', 'virtual', 'networks', 'external', 'neighbors', 'stubnet'],
  ...['password', 'passwords', 'prefix', 'rdnss', 'dnssl', 'multihop', 'bfd', 'cli', 'keys', 'transport'],
]);
const valueWords = new Set(['all', 'none', 'on', 'off', 'yes', 'no']);

class Parser {
  readonly statements: Statement[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #tokens: readonly Token[];
  readonly #levels: Level[] = [];
  /** A `protocol` found at the start of a line within another block: where a missing brace shows. */
  #inner: Token | undefined;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  run(): void {
    let level = this.#push(undefined, 'top', this.statements);
    for (let i = 0; i < this.#tokens.length; i++) {
      const token = this.#tokens[i]!;
      const next = this.#tokens[i + 1];
      if (token.kind === 'op' && (level.brackets.length === 0 || token.text.length === 1)) {
        if (level.brackets.length > 0 && this.#inBrackets(level, token)) continue;
        if (token.text === ';') {
          this.#semicolon(level, token, next);
          continue;
        }
        if (token.text === '{') {
          level = this.#open(level, token);
          continue;
        }
        if (token.text === '}') {
          level = this.#close(level, token, next);
          continue;
        }
      }
      this.#plain(level, token, i);
      const { text } = token;
      if (text === ',') level.commas = level.statements.length === 0;
      if (text === 'where' || text === 'filter' || text === 'case') level.seen |= sees[text];
    }
    this.#finish();
    for (const open of this.#levels.toReversed()) this.#end(open);
  }

  #push(block: Block | undefined, kind: BlockKind | 'top', statements: Statement[]): Level {
    const level: Level = {
      block,
      kind,
      statements,
      statement: { parts: [] },
      brackets: [],
      braces: 0,
      commas: false,
      seen: 0,
    };
    this.#levels.push(level);
    return level;
  }

  #report(code: string, message: string, span: Token | undefined, hint?: string, severity: Severity = 'error'): void {
    if (this.diagnostics.length >= maxDiagnostics) return;
    // What the lexer refused has been told, and no advice on the pieces is worth having.
    if (span?.kind === 'bad') return;
    this.diagnostics.push({
      code,
      severity,
      message,
      ...(span === undefined ? {} : { span }),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #end(level: Level): void {
    if (level.statement.parts.length > 0) {
      level.statements.push(level.statement);
      level.statement = { parts: [] };
      level.seen = 0;
    }
    level.brackets = [];
    level.braces = 0;
  }

  /** Semicolons and braces between brackets; true when the token was dealt with. */
  #inBrackets(level: Level, token: Token): boolean {
    const open = level.brackets.at(-1);
    if (token.text === '{' && open?.text !== '(') {
      level.braces++;
    } else if (token.text === '}' && level.braces > 0) {
      level.braces--;
    } else if (token.text === ';' && open?.text === '(' && head(level.statement) === 'function') {
      // Old versions separate a function's parameters by semicolons.
    } else if (token.text === ';' || token.text === '}' || token.text === '{') {
      // A flowspec literal is the only block that may stand between brackets.
      if (token.text === '{' && /^flow[46]$/.test(lastToken(level.statement)?.text ?? '')) {
        level.braces++;
        level.statement.parts.push(token);
        return true;
      }
      if (token.text === ';' && level.braces > 0) {
        level.statement.parts.push(token);
        return true;
      }
      const text = open?.text ?? '(';
      this.#report(
        'unclosed-bracket',
        `this '${text}' is never closed`,
        open,
        `add '${closing[text]}' before '${token.text}'`,
      );
      level.brackets = [];
      level.braces = 0;
      return false;
    } else return false;
    level.statement.parts.push(token);
    return true;
  }

  #semicolon(level: Level, token: Token, next: Token | undefined): void {
    const { statement } = level;
    if (
      next &&
      !(level.seen & sees.block) &&
      declaresVariables(statement) &&
      (valueTypes.has(next.text) || next.text === '{')
    ) {
      statement.parts.push(token);
      return;
    }
    this.#end(level);
  }

  #open(level: Level, token: Token): Level {
    if (this.#selfTerminated(level) && !/ table /.test(textOf(level.statement))) this.#end(level);
    const kind = blockKind(level, level.statement);
    level.seen |= sees.block;
    const block: Block = { kind, open: token, statements: [] };
    level.statement.parts.push(block);
    return this.#push(block, kind, block.statements);
  }

  #close(level: Level, token: Token, next: Token | undefined): Level {
    const outer = this.#levels.at(-2);
    if (!outer || !level.block) {
      this.#report(
        'stray-brace',
        "this '}' closes nothing",
        token,
        "remove it, or look for a '{' that is missing above",
      );
      this.#end(level);
      return level;
    }
    const last = lastToken(level.statement);
    const label = level.kind === 'cases' && (last?.text === ':' || last?.kind === 'else');
    // A list within an option this does not know: words and commas, as in "disable after cease { … }".
    const first = head(outer.statement);
    const list = level.kind === 'options' && level.commas && !blockHeads.has(first) && !netTypes.has(first);
    if (last && level.kind !== 'list' && !label && !list) {
      this.#report('missing-semicolon', "missing ';' before '}'", token, `end '${headText(level.statement)}' with ';'`);
    }
    this.#end(level);
    level.block.close = token;
    this.#levels.pop();
    // What a block ends depends on where it stands.
    const term = isTerm(outer.statement);
    if (level.kind === 'list' || term || next?.text === ';') return outer;
    if (outer.kind === 'options' && !/^(?:protocol|template)$/.test(head(outer.statement))) {
      const message =
        next && next.text !== '}' ? `missing ';' between '}' and '${clip(next.text)}'` : "missing ';' after '}'";
      this.#report('missing-semicolon', message, token, "within a protocol or channel, write '};'");
    }
    this.#end(outer);
    return outer;
  }

  #plain(level: Level, token: Token, index: number): void {
    const { statement, brackets } = level;
    if (token.kind === 'op') {
      if (token.text in closing) brackets.push(token);
      else if (token.text === ')' || token.text === ']' || token.text === '=]') {
        const open = brackets.pop();
        if (!open || closing[open.text] !== token.text) {
          const wanted = open ? `'${closing[open.text]}' was expected` : 'nothing is open';
          this.#report('stray-bracket', `this '${token.text}' closes nothing: ${wanted}`, token);
          level.brackets = [];
        }
      }
    } else if (statement.parts.length > 0 && brackets.length === 0) {
      if (level.kind === 'top' && this.#selfTerminated(level) && !goesOn(level.statement, token)) this.#end(level);
      else if (token.kind === 'symbol') this.#missing(level, token, index);
    } else if (level.block && token.text === 'protocol' && atLineStart(token)) this.#inner ??= token;
    level.statement.parts.push(token);
  }

  /** See whether a word that begins a line should have begun a statement. */
  #missing(level: Level, token: Token, index: number): void {
    const heads = level.kind === 'top' ? topHeads : level.kind === 'options' ? optionHeads : undefined;
    if (!heads?.has(token.text) || !atLineStart(token)) return;
    const previous = this.#tokens[index - 1];
    if (!previous || !(isLiteral(previous) || valueWords.has(previous.text))) return;
    // "if"-like conditions and filters may run over lines and hold any word.
    if (level.seen & sees.where) {
      if (level.kind === 'options' && !['import', 'export', 'neighbor', 'local'].includes(token.text)) return;
    }
    const first = head(level.statement);
    if (continuations.get(first)?.has(token.text)) return;
    // An option of a version to come may go on with any word: then this is no more than a guess.
    const sure = level.kind === 'top' || optionHeads.has(first) || knownOptions.has(first);
    const hint = `end '${headText(level.statement)}' with ';'`;
    const message = `missing ';' before '${token.text}'`;
    this.#report('missing-semicolon', sure ? message : `${message}?`, token, hint, sure ? 'error' : 'warning');
    if (sure) this.#end(level);
  }

  #selfTerminated(level: Level): boolean {
    if (level.kind !== 'top' || level.statement.parts.length > 6) return false;
    const first = head(level.statement);
    if (!(netTypes.has(first) || /^(?:watchdog|latency|threads|debug)$/.test(first))) return false;
    const text = textOf(level.statement);
    return selfTerminating.some((pattern) => pattern.test(text));
  }

  #finish(): void {
    const top = this.#levels[0]!;
    const unclosed = this.#levels.at(-1)!;
    if (unclosed.block) {
      const inner = this.#inner?.source.position(this.#inner.start);
      const hint = inner
        ? `'protocol' at line ${inner.line} still stands within it; the '}' is probably missing before that`
        : "add '}' where it ends";
      // The innermost is where the reader is lost; the outer ones follow from it.
      this.#report('unclosed-block', "this block is never closed by '}'", unclosed.block.open, hint);
    } else if (top.statement.parts.length > 0 && !this.#selfTerminated(top)) {
      const open = top.brackets.at(-1);
      if (open)
        this.#report('unclosed-bracket', `this '${open.text}' is never closed`, open, `add '${closing[open.text]}'`);
      else {
        const last = lastToken(top.statement);
        this.#report(
          'missing-semicolon',
          "missing ';' at the end of the file",
          last,
          `end '${headText(top.statement)}' with ';'`,
        );
      }
    }
  }
}

function head(statement: Statement): string {
  const part = statement.parts[0];
  return part === undefined || isBlock(part) ? '' : part.text;
}

function textOf(statement: Statement): string {
  return tokensOf(statement)
    .map(({ text }) => text)
    .join(' ');
}

function headText({ parts }: Statement): string {
  const words: string[] = [];
  for (let i = 0; i < parts.length && words.length < 3; i++) {
    const part = parts[i];
    if (part && !isBlock(part)) words.push(part.text);
    // More blocks than that without a word between them are no head.
    if (i > 8) break;
  }
  return clip(words.join(' ') || '}');
}

/** Whether a statement that could end here goes on with this token. */
function goesOn(statement: Statement, token: Token): boolean {
  if (token.text === 'sorted') return true;
  return lastToken(statement)?.text === 'latency' && (token.kind === 'number' || latencyValue.has(token.text));
}

function atLineStart(token: Token): boolean {
  const { text } = token.source;
  for (let i = token.start - 1; i >= 0; i--) {
    const code = text.charCodeAt(i);
    if (code === 10) return true;
    if (code !== 32 && code !== 9) return false;
  }
  return true;
}

/** Whether a `;` may belong to declarations in front of a filter's or function's body. */
function declaresVariables(statement: Statement): boolean {
  const tokens = statement.parts;
  const first = head(statement);
  if (first === 'filter' || first === 'function') return true;
  return (
    (first === 'import' || first === 'export') &&
    wordText(tokens[1]) === 'filter' &&
    valueTypes.has(wordText(tokens[2]))
  );
}

function wordText(part: Token | Block | undefined): string {
  return part === undefined || isBlock(part) ? '' : part.text;
}

/** Whether the statement's last block is part of an expression, after which the statement goes on. */
function isTerm(statement: Statement): boolean {
  return /^flow[46]$/.test(wordText(statement.parts.at(-2)));
}

function blockKind(level: Level, statement: Statement): BlockKind {
  const before = wordText(statement.parts.at(-1));
  const first = head(statement);
  if ((before === 'flow4' || before === 'flow6') && (level.kind !== 'options' || statement.parts.length > 1))
    return 'options';
  switch (level.kind) {
    case 'top':
      if (first === 'filter' || first === 'function' || first === 'define' || first === 'eval') return 'commands';
      return listHeads.has(first) ? 'list' : 'options';
    case 'options':
      if (listHeads.has(first)) return 'list';
      if (first === 'route' || (first === 'merge' && before === 'by')) return 'commands';
      return level.seen & sees.filter ? 'commands' : 'options';
    case 'commands':
    case 'cases':
      return level.seen & sees.case ? 'cases' : 'commands';
    case 'list':
      return 'list';
  }
}
