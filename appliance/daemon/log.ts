/**
 * The daemon's log on standard error: pino, in the form whoever reads it understands.
 *
 * The journal gets entries with fields: see journal.ts. Where it does not take one, and for `--log-format journal`
 * elsewhere, there is a line with the priority as `<N>` in front (sd-daemon(3)), the sentence and the fields; everybody
 * else gets a line of JSON. Whether standard error is the journal is told by JOURNAL_STREAM, which holds the
 * device and inode of the stream systemd made: a child whose output was redirected inherits the variable all the same.
 */
import { fstatSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import type { EventLog, EventRecord } from '../../monitoring/events/index.ts';
import { Journal, type JournalFields, journalName } from './journal.ts';

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
  const stderr = pino.destination(STDERR);
  const print = (text: string): void => void stderr.write(text);
  const options = { level, base: null };
  if (format === 'auto' && isJournal(process.env['JOURNAL_STREAM']))
    return pino(options, journalWriter(new Journal(), print));
  return pino(options, format === 'journal' ? { write: (line) => print(journalLines(line)) } : stderr);
}

/** Takes lines of pino's. @param print takes what the journal does not */
export function journalWriter(journal: Journal, print: (text: string) => void): { write(line: string): void } {
  return {
    write(line) {
      if (!journal.send(journalFields(line))) print(journalLines(line));
    },
  };
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

interface Parsed {
  readonly priority: number;
  readonly message: string;
  readonly fields: readonly (readonly [name: string, value: unknown])[];
}

function parsed(json: string): Parsed {
  const { level, time: _, msg = '', ...fields } = JSON.parse(json) as Record<string, unknown>;
  const priority = priorities.find(([atLeast]) => Number(level) >= atLeast)?.[1] ?? 7;
  return { priority, message: String(msg), fields: Object.entries(fields) };
}

/** A line of pino's as fields of the journal. */
export function journalFields(json: string): JournalFields {
  const { priority, message, fields } = parsed(json);
  const ours = fields.map(([name, value]) => [
    journalName(name),
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  return {
    MESSAGE: message,
    PRIORITY: String(priority),
    SYSLOG_IDENTIFIER: 'headrace',
    ...(Object.fromEntries(ours) as JournalFields),
  };
}

/** A line of pino's in lines for the journal: every one with the priority, the first one with all fields. */
export function journalLines(json: string): string {
  const { priority, message, fields } = parsed(json);
  const shown = fields.map(
    ([name, value]) => `${name}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
  );
  const [first = '', ...rest] = message.split('\n');
  const head = shown.length > 0 ? `${first} (${shown.join(' ')})` : first;
  return [head, ...rest].map((line) => `<${priority}>${line}\n`).join('');
}
