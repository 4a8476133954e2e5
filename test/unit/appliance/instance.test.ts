import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pathsOf } from '../../../appliance/cli/instance.ts';
import { ConfigError } from '../../../appliance/config/problem.ts';

describe('the box a command is about', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'headrace-instance-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    const at = path.join(folder, name);
    writeFileSync(at, text);
    return at;
  };
  const edge = file('edge.yaml', 'version: 1\ninstance: edge\ndataplane:\n  interfaces:\n    - match: p0\n');

  it('is "default", the file\'s, or the one named', async () => {
    expect((await pathsOf({})).instance).toBe('default');
    expect((await pathsOf({ config: edge })).instance).toBe('edge');
    expect((await pathsOf({ config: edge, instance: 'core' })).instance).toBe('core');
  });

  it('is not guessed from a file that is wrong', async () => {
    await expect(pathsOf({ config: file('bad.yaml', 'version: 1\ninstnace: edge\n') })).rejects.toThrow(ConfigError);
  });
});
