/** The benchmark runs: every program gives the verdict it is measured for, and packets arrive. No number is judged. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { builtCommand } from '../lab/library/repository.ts';

it('bench router --json measures all programs against the kernel', { timeout: 120_000 }, () => {
  const [node = '', ...bench] = builtCommand('test/bench/main');
  const run = spawnSync(node, [...bench, 'router', '--json', '--rounds', '1'], { encoding: 'utf8' });
  expect(run.stderr).not.toContain('Error');
  const result = JSON.parse(run.stdout);
  expect(result.inProgram.map(({ routes }: { routes: number }) => routes)).toEqual([1, 10_000, 10_000]);
  for (const { rows } of result.endToEnd) {
    expect(rows.map(({ name }: { name: string }) => name)).toContain('Headrace');
    for (const row of rows) expect(row.lost).toBeLessThan(1);
  }
});
