/** The generated reference pages are what the program's own definitions say. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { references } from '../../../appliance/cli/reference.ts';
import { catalogue } from '../../../monitoring/index.ts';

describe('references', () => {
  it.each(Object.keys(references))('%s is current', async (file) => {
    expect(readFileSync(file, 'utf8')).toBe(await references[file]!());
  });

  it('counters end in _total and gauges never do', () => {
    for (const { name, type } of Object.values(catalogue)) {
      expect(name).toMatch(/^headrace_[a-z0-9_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
    }
  });
});
