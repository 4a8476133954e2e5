/** The lexer: whatever the text, it neither throws nor loses a character, and its positions are those of an editor. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConfigFiles } from '../../../../../controlplane/routing/bird/files.ts';
import { lex } from '../../../../../controlplane/routing/bird/lexer.ts';
import { parse } from '../../../../../controlplane/routing/bird/parser.ts';

/** Pieces of bird.conf, sound and unsound. */
const piece = fc.constantFrom(
  ...'{ } [ ] ( ) ; , . : :: .. [= =] = != ~ !~ < <= && || & ! + - * / % ? "text" "open \' \'a-b.c:1\' else: else'.split(
    ' ',
  ),
  ...'10.0.0.1 10.0.0.256 10.0.0.0/8 2001:db8::1 1:2:3 65000:1 2:65000:1 10.0.0.1:5 ::ffff:1.2.3.4 hex:01:02'.split(
    ' ',
  ),
  ...'0102030405060708090a0b0c0d0e0f10 0x1F 4294967296 protocol bgp filter function if then case ipv4 table import'.split(
    ' ',
  ),
  ' ',
  '\n',
  '\t',
  '\r',
  '#',
  '/*',
  '*/',
  '\ninclude "x";',
  '\0',
  'é',
  '😀',
  '@',
  '\\',
  'flow4 {',
  'router id 1.2.3.4',
);
const soup = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(' '));
const tight = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
const text = fc.oneof(soup, tight, fc.string({ unit: 'binary' }));

const files = (entries: Record<string, string>): ConfigFiles => ({
  read: (path) => {
    const found = entries[path];
    if (found === undefined) throw new Error('no such file');
    return found;
  },
  list: (directory) => {
    const names = Object.keys(entries).filter((path) => path.startsWith(`${directory}/`));
    const inner = names.map((path) => path.slice(directory.length + 1));
    return names.length === 0
      ? undefined
      : inner.map((name) => ({ name: name.replace(/\/.*/, ''), directory: name.includes('/') }));
  },
});

describe('lex()', () => {
  it('covers every text with tokens, blanks and comments, in order', () => {
    fc.assert(
      fc.property(text, (input) => {
        const { tokens } = lex('f', input, files({ './x': 'a' }));
        let at = 0;
        for (const token of tokens.filter(({ source }) => source.path === 'f')) {
          expect(token.start).toBeGreaterThanOrEqual(at);
          expect(input.slice(token.start, token.end)).toBe(token.text);
          expect(token.text).not.toBe('');
          const gap = input.slice(at, token.start);
          expect(gap.replace(/#[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[ \t]*include[^\n]*|[ \t\n]/g, '')).toBe('');
          at = token.end;
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives lines and columns as an editor counts them', () => {
    fc.assert(
      fc.property(text, (input) => {
        for (const token of lex('f', input).tokens) {
          const lines = input.slice(0, token.start).split('\n');
          expect(token.source.position(token.start)).toEqual({
            path: 'f',
            line: lines.length,
            column: lines.at(-1)!.length + 1,
          });
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['65000:1', 'rd'],
    ['2:65000:1', 'rd'],
    ['10.0.0.1:5', 'rd'],
    ['10.0.0.1', 'ip4'],
    ['2001:db8::1', 'ip6'],
    ['::', 'ip6'],
    ['1:2:3::', 'ip6'],
    ['::ffff:10.0.0.1', 'ip6'],
    ['hex:01:02', 'bytes'],
    ['0102030405060708090a0b0c0d0e0f10', 'bytes'],
    ['0x1F', 'number'],
    ['12', 'number'],
    ["'a-b.c:1'", 'quoted'],
    ['"a # b"', 'string'],
    ['else:', 'else'],
    ['dead', 'symbol'],
    ['[=', 'op'],
    ['..', 'op'],
  ])('takes %s for one token (%s)', (input, kind) => {
    const { tokens, diagnostics } = lex('f', input);
    expect(tokens.map((token) => [token.text, token.kind])).toEqual([[input, kind]]);
    expect(diagnostics).toEqual([]);
  });

  it('follows includes at the start of a line only, sorted, relative to the including file', () => {
    const tree = files({
      '/etc/b/2.conf': 'two',
      '/etc/b/1.conf': 'include "../c";',
      '/etc/b/../c': 'one',
      '/etc/b/.x.conf': 'no',
    });
    const { tokens, diagnostics } = lex(
      '/etc/bird.conf',
      'a\n  include "b/*.conf";\nb # include "z";\n/*\ninclude "z";\n*/',
      tree,
    );
    expect(diagnostics).toEqual([]);
    expect(tokens.map((token) => token.text)).toEqual(['a', 'one', 'two', 'b']);
  });

  it('stops at includes that include themselves', () => {
    const { diagnostics, sources } = lex(
      '/e/a',
      'include "a*";',
      files({ '/e/a': 'include "a*";', '/e/a2': 'include "a*";', '/e/x/y': '' }),
    );
    expect(diagnostics.some(({ code }) => code === 'include-depth')).toBe(true);
    expect(sources.length).toBeLessThan(4097);
  });
});

describe('parse()', () => {
  it('never throws, and keeps every token in its tree', () => {
    fc.assert(
      fc.property(text, (input) => {
        const { tokens, diagnostics } = parse('f', input);
        expect(tokens.length).toBeGreaterThanOrEqual(0);
        for (const { span } of diagnostics) if (span) expect(span.end).toBeLessThanOrEqual(input.length);
      }),
      { numRuns: 500 },
    );
  });

  it('takes any depth of nesting', () => {
    expect(() => parse('f', '{'.repeat(200_000))).not.toThrow();
    expect(() => parse('f', '['.repeat(200_000))).not.toThrow();
  });

  it('says where a semicolon is missing', () => {
    const { diagnostics } = parse('f', 'protocol bgp a {\n  local as 1\n  neighbor 10.0.0.1 as 2;\n}');
    expect(diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['missing-semicolon', "missing ';' before 'neighbor'"],
    ]);
    const span = diagnostics[0]!.span!;
    expect(span.source.position(span.start)).toEqual({ path: 'f', line: 3, column: 3 });
  });

  it('reads 80,000 lines without growing slow', () => {
    const unit =
      'protocol bgp p1 from t {\n  neighbor 10.0.0.1 as 65000;\n  ipv4 { import where net ~ [ 10.0.0.0/8+, 2001:db8::/32 ]; export none; };\n}\n';
    const { statements, diagnostics } = parse('f', unit.repeat(20_000));
    expect(statements.length).toBe(20_000);
    expect(diagnostics).toEqual([]);
  });
});
