import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitRate, duration, packetRate, percent, quantity, scaled } from '../../../../monitoring/live/format.ts';

describe('scaled()', () => {
  it.each([
    [0, '0'],
    [0.04, '0.0'],
    [7, '7'],
    [7.25, '7.3'],
    [9.96, '10'],
    [999, '999'],
    [999.6, '1.00 k'],
    [1234, '1.23 k'],
    [99_960, '100 k'],
    [867_303, '867 k'],
    [1_445_087, '1.45 M'],
    [9_999_999, '10.0 M'],
    [12e15, '12.0 P'],
    [Number.NaN, '0'],
    [-3, '0'],
  ])('writes %s as %s', (value, text) => {
    expect(quantity(value)).toBe(text);
  });

  it('never needs more than five characters below 1000 P', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9.99e17, noNaN: true }), (value) => {
        expect(scaled(value).number.length).toBeLessThanOrEqual(4);
      }),
    );
  });

  it('is off by less than a part in a hundred from ten up', () => {
    fc.assert(
      fc.property(fc.double({ min: 10, max: 9e17, noNaN: true }), (value) => {
        const { number, prefix } = scaled(value);
        const back = Number(number) * 1000 ** ['', 'k', 'M', 'G', 'T', 'P'].indexOf(prefix);
        expect(Math.abs(back - value) / value).toBeLessThan(0.06);
      }),
    );
  });
});

it('units stand behind', () => {
  expect(packetRate(1_445_087)).toBe('1.45 Mpps');
  expect(packetRate(3)).toBe('3 pps');
  expect(bitRate(125_000_000)).toBe('1.00 Gbit/s');
});

it('percent() says all or nothing only where it is so', () => {
  expect(percent(0, 0)).toBe('–');
  expect(percent(0, 7)).toBe('0 %');
  expect(percent(7, 7)).toBe('100 %');
  expect(percent(1, 1e9)).toBe('< 0.01 %');
  expect(percent(999_999_999, 1e9)).toBe('> 99.99 %');
  expect(percent(1, 3)).toBe('33.3 %');
  expect(percent(995, 1000)).toBe('99.50 %');
});

it('duration() has two units at most', () => {
  expect(duration(0)).toBe('0 s');
  expect(duration(59)).toBe('59 s');
  expect(duration(61)).toBe('1 min 1 s');
  expect(duration(3600)).toBe('1 h');
  expect(duration(86_400 * 3 + 7200 + 59)).toBe('3 d 2 h');
});
