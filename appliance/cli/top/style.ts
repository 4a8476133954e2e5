/**
 * How things look in a terminal: colors where they are wanted, a shape and a word beside each of them, and plain
 * characters where the terminal knows no others.
 */
import type { Outcome, State } from '../../../monitoring/live/index.ts';

export interface Style {
  readonly color: boolean;
  readonly unicode: boolean;
}

/** What a terminal can show, by the usual variables (NO_COLOR: https://no-color.org). */
export function styleOf(env: NodeJS.ProcessEnv, isTerminal: boolean): Style {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    color: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
    unicode: /utf-?8/i.test(locale),
  };
}

const codes = { bold: 1, faint: 2, reverse: 7, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Look = keyof typeof codes;

export function paint(style: Style, text: string, ...looks: readonly Look[]): string {
  if (!style.color || looks.length === 0 || text === '') return text;
  return `\x1b[${looks.map((look) => codes[look]).join(';')}m${text}\x1b[0m`;
}

export const outcomeLook: Readonly<Record<Outcome, Look>> = { fast: 'cyan', kernel: 'yellow', dropped: 'red' };
const toneLook: Readonly<Record<State, Look>> = { good: 'green', attention: 'yellow', bad: 'red', neutral: 'faint' };
const toneSign: Readonly<Record<State, readonly [unicode: string, plain: string]>> = {
  good: ['✓', '+'],
  attention: ['!', '!'],
  bad: ['✕', 'x'],
  neutral: ['·', '-'],
};

/** A sign for a state, in its color. */
export function sign(style: Style, tone: State): string {
  return paint(style, toneSign[tone][style.unicode ? 0 : 1], toneLook[tone]);
}

export function toned(style: Style, tone: State, text: string): string {
  return paint(style, text, toneLook[tone]);
}

const bars = { unicode: ' ▁▂▃▄▅▆▇█', plain: ' ._-=+*%#' } as const;

/** The last `width` values as bars, scaled to the largest of them; nothing where there is no value yet. */
export function sparkline(style: Style, values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  const steps = style.unicode ? bars.unicode : bars.plain;
  const bar = (value: number): string => {
    if (value <= 0 || most <= 0) return style.unicode ? '▁' : '_';
    return steps[Math.max(1, Math.round((value / most) * (steps.length - 1)))] ?? ' ';
  };
  return shown.map(bar).join('').padStart(width);
}

/** Parts of a whole as one bar; what is there at all gets a character at least. */
export function shareBar(style: Style, parts: readonly (readonly [Outcome, number])[], width: number): string {
  const whole = parts.reduce((sum, [, part]) => sum + part, 0);
  const glyphs: Readonly<Record<Outcome, readonly [string, string]>> = {
    fast: ['█', '#'],
    kernel: ['▒', '='],
    dropped: ['░', 'x'],
  };
  if (whole <= 0) return paint(style, (style.unicode ? '·' : '.').repeat(width), 'faint');
  const sizes = parts.map(([, part]) => (part > 0 ? Math.max(1, Math.round((part / whole) * width)) : 0));
  const excess = sizes.reduce((sum, size) => sum + size, 0) - width;
  const largest = sizes.indexOf(Math.max(...sizes));
  sizes[largest] = Math.max(0, sizes[largest]! - excess);
  return parts
    .map(([outcome], i) => paint(style, glyphs[outcome][style.unicode ? 0 : 1].repeat(sizes[i]!), outcomeLook[outcome]))
    .join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const escapes = /\x1b\[[0-9;]*m/g;

/** How many columns a line takes: every character we write is one wide. */
export function widthOf(line: string): number {
  return [...line.replace(escapes, '')].length;
}

/** At most `width` columns of a line, with its colors ended. */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  let shown = '';
  let used = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
  for (const [part] of line.matchAll(/\x1b\[[0-9;]*m|./gsu)) {
    if (part.startsWith('\x1b')) shown += part;
    else if (used < width) {
      shown += part;
      used++;
    }
  }
  return shown.includes('\x1b') ? `${shown}\x1b[0m` : shown;
}

export function left(text: string, width: number): string {
  const short = cut(text, width);
  return short + ' '.repeat(Math.max(0, width - widthOf(short)));
}

export function right(text: string, width: number): string {
  const short = cut(text, width);
  return ' '.repeat(Math.max(0, width - widthOf(short))) + short;
}
