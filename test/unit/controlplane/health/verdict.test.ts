import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CheckResult,
  type CheckState,
  checkResults,
  combine,
  initialState,
  isChanging,
  isPanic,
  nextState,
  type Verdict,
} from '../../../../controlplane/health/index.ts';

const rules = { rise: 3, fall: 2, holdDownMs: 0 };

function play(results: readonly CheckResult[], { from = initialState(0), with: applied = rules } = {}): CheckState {
  return results.reduce((state, result, i) => nextState(state, result, applied, i + 1), from);
}

const results = fc.array(fc.constantFrom(...checkResults), { maxLength: 60 });
const anyRules = fc.record({
  rise: fc.integer({ min: 1, max: 5 }),
  fall: fc.integer({ min: 1, max: 5 }),
  holdDownMs: fc.integer({ min: 0, max: 20 }),
});

describe('nextState()', () => {
  it('is up with the first success and down after fall failures', () => {
    expect(play(['success']).verdict).toBe('up');
    expect(play(['failure']).verdict).toBe('unknown');
    expect(play(['failure', 'timeout']).verdict).toBe('down');
  });

  it('needs rise successes in a row to come back', () => {
    const down = play(['failure', 'failure']);
    expect(play(['success', 'success'], { from: down }).verdict).toBe('down');
    expect(play(['success', 'success', 'failure', 'success', 'success'], { from: down }).verdict).toBe('down');
    expect(play(['success', 'success', 'success'], { from: down }).verdict).toBe('up');
  });

  it('stays down until the hold-down is over, then follows the next success', () => {
    const held = { ...rules, holdDownMs: 10 };
    const down = nextState(nextState(initialState(0), 'failure', held, 1), 'failure', held, 2);
    let state = down;
    for (let now = 3; now < 12; now++) state = nextState(state, 'success', held, now);
    expect(state.verdict).toBe('down');
    expect(isChanging(state, held)).toBe(false);
    expect(nextState(state, 'success', held, 12).verdict).toBe('up');
  });

  it('a verdict only changes by a full streak of outcomes, errors aside', () => {
    fc.assert(
      fc.property(results, anyRules, (sequence, applied) => {
        let state = initialState(0);
        sequence.forEach((result, i) => {
          const next = nextState(state, result, applied, i + 1);
          if (next.verdict !== state.verdict) {
            const said = sequence.slice(0, i + 1).filter((one) => one !== 'error');
            const tail = (n: number): CheckResult[] => said.slice(-n);
            if (next.verdict === 'down') {
              expect(said.length).toBeGreaterThanOrEqual(applied.fall);
              expect(tail(applied.fall)).not.toContain('success');
            } else {
              const needed = state.verdict === 'unknown' ? 1 : applied.rise;
              expect(said.length).toBeGreaterThanOrEqual(needed);
              expect(tail(needed).every((one) => one === 'success')).toBe(true);
              if (state.verdict === 'down') expect(i + 1 - state.since).toBeGreaterThanOrEqual(applied.holdDownMs);
            }
            expect(next.since).toBe(i + 1);
          }
          state = next;
        });
      }),
    );
  });

  it('never forgets a verdict, and errors change nothing at all', () => {
    fc.assert(
      fc.property(results, anyRules, (sequence, applied) => {
        const state = play(sequence, { with: applied });
        if (sequence.includes('success')) expect(state.verdict).not.toBe('unknown');
        expect(
          play(
            sequence.filter((result) => result !== 'error'),
            { with: { ...applied, holdDownMs: 0 } },
          ),
        ).toMatchObject(
          (({ verdict, successes, failures }) => ({ verdict, successes, failures }))(
            play(sequence, { with: { ...applied, holdDownMs: 0 } }),
          ),
        );
      }),
    );
  });

  it('outcomes that alternate change nothing when more than one is asked for', () => {
    const state = play([
      'success',
      ...Array.from({ length: 40 }, (_, i) => (i % 2 ? 'success' : 'failure') as CheckResult),
    ]);
    expect(state.verdict).toBe('up');
  });
});

describe('isChanging()', () => {
  it('is so until a verdict stands', () => {
    expect(isChanging(initialState(0), rules)).toBe(true);
    expect(isChanging(play(['success']), rules)).toBe(false);
    expect(isChanging(play(['success', 'failure']), rules)).toBe(true);
    expect(isChanging(play(['failure', 'failure']), rules)).toBe(false);
    expect(isChanging(play(['failure', 'failure', 'success']), rules)).toBe(true);
  });
});

describe('combine() and isPanic()', () => {
  it('one check that fails is enough, and none that is open', () => {
    expect(combine(['up', 'down', 'unknown'])).toBe('down');
    expect(combine(['up', 'unknown'])).toBe('unknown');
    expect(combine(['up', 'up'])).toBe('up');
  });

  it('panic is off by default, waits for every verdict, and ends by itself', () => {
    const pool = (up: number, down: number): Verdict[] => [...Array(up).fill('up'), ...Array(down).fill('down')];
    expect(isPanic(pool(0, 4), 0)).toBe(false);
    expect(isPanic([...pool(0, 3), 'unknown'], 0.5)).toBe(false);
    expect(isPanic(pool(1, 3), 0.5)).toBe(true);
    expect(isPanic(pool(2, 2), 0.5)).toBe(false);
    expect(isPanic([], 0.5)).toBe(false);
  });
});
