/** `headrace demo`, as a person runs it but short: it works, says so in numbers, and leaves nothing, interrupted or not. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Process } from './library/process.ts';
import { headraceProgram } from './library/repository.ts';
import { until } from './library/wait.ts';

const demo = (...options: string[]): Process => new Process([process.execPath, headraceProgram, 'demo', ...options]);

/** Namespaces of the demo with that process id. */
const namespaces = (pid: number): string[] =>
  spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.startsWith(`hr-demo-${pid}-`));

/** Whatever is left of the demo with that process id. */
function leftovers(pid: number): string[] {
  const prefix = `hr-demo-${pid}`;
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${prefix}/`) || line.includes(`${prefix}-`));
  const folders = [`/run/${prefix}`, `/tmp/${prefix}`].filter((path) => existsSync(path));
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return `${readFileSync(`/proc/${name}/cmdline`)}${readFileSync(`/proc/${name}/environ`)}`.includes(prefix);
      } catch {
        return false; // It has ended meanwhile.
      }
    });
  return [...namespaces(pid), ...mounts, ...folders, ...processes];
}

describe('the demo', () => {
  it('forwards on the fast path, and leaves nothing behind', async () => {
    const run = demo('--seconds', '3', '--json');
    await until('the demo to build namespaces', () => namespaces(run.pid).length === 7, { timeoutMs: 60_000 });
    expect(leftovers(run.pid).length).toBeGreaterThan(7);
    expect(await run.exited, run.stderr + run.stdout).toBe(0);
    const result = JSON.parse(run.stdout);
    expect(result).toMatchObject({ worked: true, problems: [] });
    expect(result.headrace.fastShare).toBeGreaterThan(0.9);
    expect(result.headrace.traffic.stream.received).toBeGreaterThan(5000);
    expect(result.headrace.floodFast).toBeGreaterThan(100_000);
    expect(leftovers(run.pid)).toEqual([]);
  });

  it('balances by weight through a drain, a death and a killed daemon', async () => {
    const run = demo('--balancer', '--seconds', '3', '--json');
    expect(await run.exited, run.stderr + run.stdout).toBe(0);
    const result = JSON.parse(run.stdout);
    expect(result).toMatchObject({ worked: true, problems: [] });
    expect(result.connections.held).toBeGreaterThan(100);
    expect(result.connections.broken).toBe(result.connections.ofDead);
    expect(result.rates.headrace.received).toBeGreaterThan(200_000);
    expect(leftovers(run.pid)).toEqual([]);
  });

  it('leaves nothing behind when interrupted', async () => {
    const run = demo('--balancer', '--seconds', '3');
    await run.line(/^Headrace is on/, { timeoutMs: 60_000 });
    expect(namespaces(run.pid)).toHaveLength(5);
    expect(await run.kill('SIGINT')).toBe(130);
    expect(leftovers(run.pid)).toEqual([]);
  });

  it('refuses a length that is none', async () => {
    const run = demo('--seconds', 'long');
    expect(await run.exited).toBe(2);
    expect(run.stderr).toContain('--seconds');
  });
});
