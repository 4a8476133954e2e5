/**
 * The kernel says what is right while things change: the same topology twice, the same event at the same time. Here
 * those scenarios that are quick; all of them by `node --import tsx test/lab/scenarios/main.ts`.
 */
import { describe, expect, it } from 'vitest';
import { runScenario, scenarios } from './scenarios/run.ts';
import { comparisonText, type Judgement, judge } from './scenarios/scenario.ts';

const quick: Readonly<Record<string, Judgement>> = {
  'rp-filter': 'same',
  'nftables-bypass': 'documented difference',
  'ip-rule': 'same',
  'ecmp-leg-down': 'same',
  'route-replaced': 'same',
  reattach: 'same',
};

const named = (name: string) => scenarios.find((scenario) => scenario.name === name)!;

describe('beside the kernel, while things change', () => {
  it.each(Object.entries(quick))('%s: %s', async (name, judgement) => {
    const comparison = await runScenario(named(name));
    expect(comparison.judgement, comparisonText(comparison)).toBe(judgement);
  });
});

describe('judge()', () => {
  const { documented: _, ...scenario } = named('nftables-bypass');
  const documented = { verdict: 'arrives', page: 'docs' };

  it('calls the same what has the same verdict, not too late', () => {
    const kernel = { verdict: 'stops', times: { after: 100 } };
    expect(judge(scenario, kernel, { verdict: 'stops', times: { after: 9000 } })).toBe('same');
    expect(judge(scenario, kernel, { verdict: 'stops', times: { after: 10_101 } })).toBe('DIFFERENT');
    expect(judge(scenario, kernel, { verdict: 'arrives', times: { after: 100 } })).toBe('DIFFERENT');
    expect(judge(scenario, kernel, { verdict: 'stops', times: { other: 1 } })).toBe('DIFFERENT');
  });

  it('wants a documented difference exactly as documented', () => {
    const kernel = { verdict: 'stops' };
    expect(judge({ ...scenario, documented }, kernel, { verdict: 'arrives' })).toBe('documented difference');
    expect(judge({ ...scenario, documented }, kernel, { verdict: 'stops' })).toBe('DIFFERENT');
    expect(judge({ ...scenario, documented }, { verdict: 'arrives' }, { verdict: 'arrives' })).toBe('DIFFERENT');
  });
});
