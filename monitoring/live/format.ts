/**
 * Numbers as people read them, the same on the page and in the terminal: three significant digits at most, with a unit,
 * and never wider than the column they stand in.
 */

const prefixes = ['', 'k', 'M', 'G', 'T', 'P'] as const;

interface Scaled {
  readonly number: string;
  readonly prefix: string;
}

/** 1234567 as "1.23" and "M". */
export function scaled(value: number): Scaled {
  if (!Number.isFinite(value) || value <= 0) return { number: '0', prefix: '' };
  let power = 0;
  let rest = value;
  // 999.5 would be written 1000: it is 1.00 of the next.
  while (rest >= 999.5 && power < prefixes.length - 1) {
    rest /= 1000;
    power++;
  }
  const digits = power === 0 ? (rest < 9.95 ? 1 : 0) : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0;
  const number = power === 0 && Number.isInteger(rest) ? String(rest) : rest.toFixed(digits);
  return { number, prefix: prefixes[power]! };
}

/** "1.23 M", "867 k", "12". */
export function quantity(value: number): string {
  const { number, prefix } = scaled(value);
  return prefix ? `${number} ${prefix}` : number;
}

/** As `quantity`, without zeros that say nothing: for the ticks of an axis. */
export function tick(value: number): string {
  const { number, prefix } = scaled(value);
  const short = number.includes('.') ? number.replace(/\.?0+$/, '') : number;
  return prefix ? `${short} ${prefix}` : short;
}

/** "1.23 Mpps". */
export function packetRate(perSecond: number): string {
  const { number, prefix } = scaled(perSecond);
  return `${number} ${prefix}pps`;
}

/** "9.87 Gbit/s", from bytes. */
export function bitRate(bytesPerSecond: number): string {
  const { number, prefix } = scaled(bytesPerSecond * 8);
  return `${number} ${prefix}bit/s`;
}

/** A part of a whole: "99.98 %", and never 100 % or 0 % unless it is that. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return '–';
  const value = (100 * part) / whole;
  if (part > 0 && value < 0.01) return '< 0.01 %';
  if (part < whole && value > 99.99) return '> 99.99 %';
  const digits = value === 0 || value === 100 ? 0 : value < 1 || value > 99 ? 2 : 1;
  return `${value.toFixed(digits)} %`;
}

/** "3 d 4 h", "12 min", "8 s": the two largest units, or one. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(total / 86_400), 'd'],
    [Math.floor(total / 3600) % 24, 'h'],
    [Math.floor(total / 60) % 60, 'min'],
    [total % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** "1 problem", "2 problems". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
