/**
 * Hostile and broken files: an answer, and work by the length of the text. Steps are counted, not time: every look at a
 * character, and every element that a method of an array visits.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBird } from '../../../../../appliance/cli/check-bird.ts';
import { adviseBird, type ConfigFiles, parse, readBirdConfig } from '../../../../../controlplane/routing/bird/index.ts';
import { countSteps } from './count-steps.ts';

const codes = (path: string, text: string): string[] => [
  ...new Set(parse(path, text).diagnostics.map(({ code }) => code)),
];

describe('a hostile text', () => {
  /** Text in front, a piece to repeat, text behind. */
  const shapes: readonly (readonly [string, string, string])[] = [
    ['define a = ', 'a:', ';'],
    ['define a = ', 'ab:', ';'],
    ['define a = ', 'ab', ';'],
    ['define a = ', '1.', ';'],
    ['define a = ', '1', ';'],
    ['protocol direct { interface ', '"e", ', '"x"; }'],
    ['', '"', ''],
    ['', "'", ''],
    ['', "'a' ", ''],
    ['', '/**/', ''],
    ['', '/*', ''],
    ['', '/* /* */', ''],
    ['', '\x01 ', ''],
    ['', 'a;\r\n', ''],
    ['', ' ', ''],
    ['', ' \n', ''],
    ['', '}', ''],
    ['', '{', ''],
    ['', '[', ''],
    ['', ')', ''],
    ['', '{}', ''],
    ['filter f ', 'int a; ', '{ accept; }'],
    ['filter f { case x {', 'a: {} ', '} }'],
    ['filter f {', 'case x {} ', '}'],
    ['define x = [ ', 'flow4 {}, ', '];'],
    ['protocol x { import ', 'filter {} ', '}'],
    ['protocol bgp { ipv4 { import where "x"\n', 'preference "x"\n', '; }; }'],
    ['protocol x {', 'local 1\nimport ', '}'],
    ['debug {', '{}', '}'],
    ['', 'debug latency\n', ''],
    ['', 'ipv4 table t\n', ''],
    ['', 'protocol kernel { ipv4 { export all; }; }\n', ''],
    ['', 'protocol bgp { ipv4 { table t; import all; }; bfd; }\n', ''],
    ['', 'ipv4 table a; protocol pipe { table a; peer table b; export all; }', ''],
    ['', 'define a = (a + 1);', ''],
  ];
  const work = (text: string): number =>
    countSteps(() => {
      adviseBird(readBirdConfig('f', text));
    });

  it.each(shapes)('%s %j again and again %s costs by its length', (front, piece, behind) => {
    const text = (times: number): string => `${front}${piece.repeat(times)}${behind}`;
    // Sixteen times the text may cost a little more than that, for tables that grow; sixteen squared is 256.
    const small = work(text(100));
    expect(work(text(1600))).toBeLessThan(24 * small + 10_000);
  });

  it('of any pieces costs by its length', () => {
    const piece = fc.constantFrom(
      ...shapes.flatMap((shape) => [...shape]),
      'protocol bgp a ',
      'where ',
      'interface "x" ',
      '\n',
    );
    const pieces = fc.array(piece, { minLength: 1, maxLength: 6 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(pieces, (unit) => {
        const small = work(unit.repeat(20));
        expect(work(unit.repeat(320))).toBeLessThan(24 * small + 10_000);
      }),
      { numRuns: 60 },
    );
  });

  it('of five million "a:" on one line is no crash', () => {
    expect(() => parse('f', `define a = ${'a:'.repeat(5_000_000)};`)).not.toThrow();
  });

  it('of binary rubbish ends at 200 remarks, each of them short', () => {
    const { diagnostics, tokens } = parse('f', '\x01 @ \xff '.repeat(100_000));
    expect(diagnostics).toHaveLength(200);
    expect(tokens.length).toBeLessThan(1000);
    const [address] = parse('f', `${'1:'.repeat(100_000)};`).diagnostics;
    expect(address?.message.length).toBeLessThan(200);
  });

  it('with Windows line ends is told so once', () => {
    expect(parse('f', 'protocol device { }\r\n'.repeat(100)).diagnostics).toMatchObject([
      { code: 'unknown-character', hint: 'save the file with Unix line ends' },
    ]);
  });

  it('larger than any configuration is refused', () => {
    expect(codes('f', ' '.repeat(65 * 1024 * 1024))).toEqual(['too-large']);
  });
});

describe('hostile files', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'headrace-limits-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const check = (name: string, text: string): string[] => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return checkBird(path).findings.map(({ code, message }) => `${code}: ${message.replaceAll(folder, '')}`);
  };

  it('that include themselves ten times end at the depth, as BIRD does', () => {
    const text = 'include "self.conf";\n'.repeat(10);
    expect(check('self.conf', text)).toEqual(['include-depth: includes are nested deeper than 8 files']);
  });

  it('that include devices and pipes are refused', () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(check('zero.conf', 'include "/dev/zero";\ninclude "pipe";\ninclude ".";\n')).toEqual([
      'include-missing: cannot read the included file /dev/zero: it is not a plain file',
      'include-missing: cannot read the included file /pipe: it is not a plain file',
      'include-missing: cannot read the included file /.: it is a folder',
    ]);
  });

  it('with a pattern of many stars are matched without going back and forth', () => {
    mkdirSync(join(folder, 'g'));
    writeFileSync(join(folder, 'g', 'a'.repeat(120)), '');
    const pattern = `include "g/${'*a'.repeat(12)}b";\n`;
    const path = join(folder, 'star.conf');
    writeFileSync(path, pattern);
    expect(countSteps(() => checkBird(path))).toBeLessThan(100_000);
  });

  it('with a pattern over a whole machine are given up', () => {
    let lists = 0;
    const machine: ConfigFiles = {
      read: () => '',
      list: () => {
        lists++;
        return Array.from({ length: 100 }, (_, i) => ({ name: `d${i}`, directory: true }));
      },
    };
    const { diagnostics } = parse('f', 'include "/*/*/*/*/*/nothing";\n', machine);
    expect(diagnostics).toMatchObject([{ code: 'include-missing', message: expect.stringContaining('looks at more') }]);
    expect(lists).toBeLessThan(2000);
  });
});

describe('templates that are nested without end', () => {
  it('are given up at a limit', () => {
    const chain = Array.from({ length: 1600 }, (_, i) => `template static t${i + 1} from t${i} { route a; }\n`).join(
      '',
    );
    const text = `template static t0 { }\n${chain}protocol static from t1600 { route b; }`;
    const { diagnostics, protocols } = readBirdConfig('f', text);
    expect(diagnostics.map(({ code }) => code)).toEqual(['inheritance-limit']);
    expect(protocols[0]?.options).toHaveLength(1);
  });
});
