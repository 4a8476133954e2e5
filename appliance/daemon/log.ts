/**
 * The daemon's log on standard error: pino, in the form whoever reads it understands.
 *
 * The journal takes a priority from a `<N>` at the start of each line (sd-daemon(3)), and shows people sentences;
 * everybody else gets a line of JSON. Whether standard error is the journal is told by JOURNAL_STREAM, which holds the
 * device and inode of the stream systemd made: a child whose output was redirected inherits the variable all the same.
 */
import { fstatSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { EventLog, EventRecord } from '../../monitoring/events/index.ts';

export const logFormats = ['auto', 'journal', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

const STDERR = 2;
/** pino's levels as syslog's. */
const priorities: readonly (readonly [atLeast: number, priority: number])[] = [
  [60, 2],
  [50, 3],
  [40, 4],
  [30, 6],
  [0, 7],
];

/** @param level debug, info, warn or error */
export function createLog(level: string, format: LogFormat = 'auto'): Logger {
  const journal = format === 'journal' || (format === 'auto' && isJournal(process.env['JOURNAL_STREAM']));
  const stderr = pino.destination(STDERR);
  return pino({ level, base: null }, journal ? { write: (line) => void stderr.write(journalLines(line)) } : stderr);
}

/** Logs every event from now on. */
export function logEvents(events: EventLog, log: Logger): void {
  events.follow(({ name, level, text, fields }: EventRecord) => log[level]({ event: name, ...fields }, text));
}

/** Is the stream behind a descriptor the one systemd named? */
export function isJournal(stream: string | undefined, fd = STDERR): boolean {
  if (!stream) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return stream === `${dev}:${ino}`;
}

/** A line of pino's as the journal wants it: every line of a message with the priority. */
export function journalLines(json: string): string {
  const { level, time: _, msg = '', ...fields } = JSON.parse(json) as Record<string, unknown>;
  const priority = priorities.find(([atLeast]) => Number(level) >= atLeast)?.[1] ?? 7;
  const shown = Object.entries(fields)
    .filter(([, value]) => !String(msg).includes(String(value)) || value === '')
    .map(
      ([key, value]) => `${key}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
    );
  const [first = '', ...rest] = String(msg).split('\n');
  const head = shown.length > 0 ? `${first} (${shown.join(' ')})` : first;
  return [head, ...rest].map((line) => `<${priority}>${line}\n`).join('');
}
