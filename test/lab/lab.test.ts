/** The lab itself: whatever ends it, nothing of it stays. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Lab, leftovers, Process, until } from './library/index.ts';
import { repository } from './library/repository.ts';

/** Builds two hosts with a process and a mount, says its prefix, and stays. */
const PROGRAM = `
import { mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { Lab } from ${JSON.stringify(path.join(repository, 'test/lab/library/index.ts'))};
const lab = new Lab('stays');
lab.link(lab.host('a'), 'a0', lab.host('b'), 'b0');
lab.host('a').spawn(['sleep', '1000']);
mkdirSync(lab.runDirectory + '/bpf', { recursive: true });
spawnSync('mount', ['-t', 'bpf', 'bpf', lab.runDirectory + '/bpf']);
console.log('prefix ' + lab.prefix);
setInterval(() => {}, 1000);
`;

describe('a lab', () => {
  let lab: Lab | undefined;
  afterEach(() => lab?.cleanup());

  const start = async (own: Lab): Promise<{ process: Process; prefix: string }> => {
    const file = `${own.host('here').folder}/stays.mts`;
    writeFileSync(file, PROGRAM);
    const process_ = new Process([process.execPath, '--import', 'tsx', file], { cwd: repository });
    return { process: process_, prefix: (await process_.line(/^prefix (\S+)/))[1] ?? '' };
  };

  it('cleanup() leaves nothing', () => {
    lab = new Lab('library');
    lab.link(lab.host('a'), 'a0', lab.host('b'), 'b0');
    lab.host('a').spawn(['sleep', '1000']);
    expect(leftovers(lab.prefix)).toHaveLength(3);
    lab.cleanup();
    expect(leftovers(lab.prefix)).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('%s leaves nothing', async (signal) => {
    lab = new Lab('library');
    const { process, prefix } = await start(lab);
    expect(leftovers(prefix)).toHaveLength(4);
    expect(await process.kill(signal)).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(leftovers(prefix)).toEqual([]);
  });

  it('the next lab takes down what SIGKILL left', async () => {
    lab = new Lab('library');
    const { process, prefix } = await start(lab);
    await process.kill('SIGKILL');
    expect(leftovers(prefix)).toHaveLength(4);
    const next = new Lab('next');
    next.cleanup();
    expect(leftovers(prefix)).toEqual([]);
  });

  it('until() says what it waited for', async () => {
    await expect(until('the moon', () => 0, { timeoutMs: 20, everyMs: 5 })).rejects.toThrow('wait for the moon');
  });
});
