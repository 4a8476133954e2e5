import { describe, expect, it } from 'vitest';
import { wishFor } from '../../../../controlplane/announce/index.ts';

const rules = { require: 'all', holdUntil: 0 } as const;
const up = { name: 'www', up: true, ready: true, reason: '' };
const down = { name: 'quic', up: false, ready: true, reason: 'no backend is up' };
const unready = { name: 'dns', up: false, ready: false, reason: 'not checked yet' };

describe('wishFor()', () => {
  it('announces what is up and ready, and nothing before the hold is over', () => {
    expect(wishFor([up], undefined, rules, 10)).toEqual({ wish: 'announce', reason: '' });
    expect(wishFor([up], undefined, { ...rules, holdUntil: 50 }, 10)).toMatchObject({ wish: 'keep', again: 50 });
    expect(wishFor([up], undefined, { ...rules, holdUntil: 50 }, 50).wish).toBe('announce');
  });

  it('leaves alone what is not ready, be it up or not', () => {
    expect(wishFor([unready], undefined, rules, 0)).toEqual({ wish: 'keep', reason: 'dns: not checked yet' });
    expect(wishFor([{ ...unready, up: true }], undefined, rules, 0).wish).toBe('keep');
    expect(wishFor([up, unready], undefined, rules, 0).wish).toBe('keep');
  });

  it('withdraws at once what is down, hold or not', () => {
    const wished = { wish: 'withdraw', reason: 'quic: no backend is up' };
    expect(wishFor([down], undefined, { ...rules, holdUntil: 50 }, 10)).toEqual(wished);
    expect(wishFor([up, down], undefined, rules, 0)).toEqual(wished);
    expect(wishFor([unready, down], undefined, rules, 0)).toEqual(wished);
  });

  it('asks for one service only when that is enough', () => {
    const any = { ...rules, require: 'any' } as const;
    expect(wishFor([up, down], undefined, any, 0).wish).toBe('announce');
    expect(wishFor([down, unready], undefined, any, 0).wish).toBe('keep');
    expect(wishFor([down], undefined, any, 0).wish).toBe('withdraw');
  });

  it('drains through the worse metric, but withdraws at once what goes down meanwhile', () => {
    const drain = { until: 100 };
    expect(wishFor([up], drain, rules, 50)).toEqual({
      wish: 'depreference',
      reason: 'drained by the operator',
      again: 100,
    });
    expect(wishFor([up], drain, rules, 100)).toEqual({ wish: 'withdraw', reason: 'drained by the operator' });
    expect(wishFor([down], drain, rules, 50).wish).toBe('withdraw');
  });
});
