/**
 * `bird -p` as the oracle: everything BIRD accepts, our parser accepts. Over the corpus as it stands, and over the
 * corpus with single tokens taken out or doubled, which is where a parser that is too strict or too lax shows.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeFiles, parse, readBirdConfig, renderDiagnostic } from '../../controlplane/routing/bird/index.ts';
import { snippets } from '../unit/controlplane/routing/bird/snippets.ts';

const corpus = new URL('../unit/controlplane/routing/bird/corpus/', import.meta.url).pathname.replace('/dist/', '/');
const names = readdirSync(corpus).filter((name) => name.endsWith('.conf'));

/** What BIRD says against a file; empty when it accepts. */
function bird(path: string): string {
  const { status, stdout, stderr } = spawnSync('bird', ['-p', '-c', path], { encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}` || 'refused';
}

function ours(path: string): string {
  const { diagnostics } = readBirdConfig(path, readFileSync(path, 'utf8'), nodeFiles);
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(renderDiagnostic)
    .join('\n');
}

describe('parse() agrees with bird -p', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'headrace-oracle-'));
    symlinkSync(join(corpus, 'parts'), join(folder, 'parts'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(names.filter((name) => !name.startsWith('bad-')))('on %s, which both accept', (name) => {
    expect(bird(corpus + name)).toBe('');
    expect(ours(corpus + name)).toBe('');
  });

  it.each(names.filter((name) => name.startsWith('bad-')))('on %s, which both refuse', (name) => {
    expect(bird(corpus + name)).not.toBe('');
    expect(ours(corpus + name)).not.toBe('');
  });

  it.each([
    ['accepts', 'accepted'],
    ['refuses, for what is left of BIRD 1', 'bird1'],
  ] as const)('on pieces that BIRD 2.0.12 %s', (_, file) => {
    const path = join(folder, 'piece.conf');
    for (const [name, text] of snippets(file)) {
      writeFileSync(path, text);
      const answer = bird(path);
      if (file === 'accepted') expect(answer, name).toBe('');
      else expect(answer, name).not.toBe('');
      expect(ours(path) === '', name).toBe(file === 'accepted');
    }
  });

  it.each(names.filter((name) => !name.startsWith('bad-')))(
    'accepts what BIRD accepts of %s with a token changed',
    (name) => {
      const text = readFileSync(corpus + name, 'utf8');
      const tokens = parse(corpus + name, text).tokens;
      const path = join(folder, 'changed.conf');
      // A stride that shares no factor with most lengths walks over all kinds of tokens, the same ones each time.
      for (let i = 0, at = 0; i < 40 && tokens.length > 0; i++, at = (at + 37) % tokens.length) {
        const { start, end } = tokens[at]!;
        for (const changed of [text.slice(0, start) + text.slice(end), `${text.slice(0, end)} ${text.slice(start)}`]) {
          writeFileSync(path, changed);
          const problems = ours(path);
          if (problems !== '') expect(bird(path), `${problems}\n${changed}`).not.toBe('');
        }
      }
    },
  );
});
