/** Quantities as people write them: `3s`, `25%`, `10k/s`. What comes out has its unit in the name of whoever uses it. */
import { z } from 'zod';
import { durationMs, durationPattern, durationText } from '../durations.ts';

const countUnits: Readonly<Record<string, number>> = { '': 1, k: 1000, M: 1_000_000 };
const countPattern = /^(\d+(?:\.\d+)?)([kM]?)$/;
const percentPattern = /^(\d+(?:\.\d+)?)%$/;

/** A duration in milliseconds, from `atLeastMs` to `atMostMs`. */
export function duration(atLeastMs: number, atMostMs: number) {
  return z
    .string()
    .regex(durationPattern, 'not a duration: write a number and ms, s, m, h or d, as in 500ms or 15m')
    .transform(durationMs)
    .refine(
      (ms) => ms >= atLeastMs && ms <= atMostMs,
      `must be from ${durationText(atLeastMs)} to ${durationText(atMostMs)}`,
    );
}

/** A count, written as a number or with k (thousands) or M (millions). */
export function count(atLeast: number, atMost: number) {
  return z
    .union([z.number(), z.string().regex(countPattern, 'not a number: write 50000, 50k or 2M').transform(parseCount)])
    .refine(
      (value) => Number.isInteger(value) && value >= atLeast && value <= atMost,
      `must be a whole number from ${atLeast} to ${atMost}`,
    );
}

/** A share from 0 to 1, written as 0% to 100%. */
export function percent() {
  return z
    .string()
    .regex(percentPattern, 'not a share: write a number and %, as in 50%')
    .transform((text) => Number(percentPattern.exec(text)?.[1]) / 100)
    .refine((share) => share <= 1, 'must be from 0% to 100%');
}

function parseCount(text: string): number {
  const [, number = '', unit = ''] = countPattern.exec(text) ?? [];
  return Math.round(Number(number) * countUnits[unit]!);
}
