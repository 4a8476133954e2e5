/** Durations as people write them: `500ms`, `3s`, `15m`. */

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** @param text matches `durationPattern`; NaN when it does not. */
export function durationMs(text: string): number {
  const [, number = '', unit = ''] = durationPattern.exec(text) ?? [];
  return Math.round(Number(number || Number.NaN) * (durationUnits[unit] ?? Number.NaN));
}

/** The shortest way to write it, in whole units. */
export function durationText(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((name) => ms > 0 && ms % durationUnits[name]! === 0) ?? 'ms';
  return `${ms / durationUnits[unit]!}${unit}`;
}
