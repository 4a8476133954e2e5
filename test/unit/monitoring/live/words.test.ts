import { expect, it } from 'vitest';
import { reasonNames } from '../../../../controlplane/bpf/generated/headrace.ts';
import { reasonWords } from '../../../../monitoring/live/index.ts';

it('every reason of the packet path has words that fit a line', () => {
  expect(reasonNames.filter((name) => !reasonWords[name])).toEqual([]);
  for (const words of Object.values(reasonWords)) expect(words.length).toBeLessThanOrEqual(64);
});
