/** Entries of the journal: what is sent, against a socket that takes them as journald does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Journal, journalEntry, journalName } from '../../../appliance/daemon/journal.ts';
import { journalWriter } from '../../../appliance/daemon/log.ts';
import { bind, close, recv, socket } from '../../../controlplane/bpf/libc.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'hr-journal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Listens as journald does. */
function journald(name: string): { readonly file: string; take(): string; close(): void } {
  const file = path.join(folder, name);
  const fd = socket(1, 2, 0);
  const address = Buffer.concat([Buffer.of(1, 0), Buffer.from(`${file}\0`)]);
  if (bind(fd, address, address.length) !== 0) throw new Error(`bind ${file}`);
  const buffer = Buffer.alloc(65_536);
  return {
    file,
    take() {
      const length = recv(fd, buffer, buffer.length, 0x40 /* MSG_DONTWAIT */);
      return length < 0 ? '' : buffer.toString('utf8', 0, length);
    },
    close: () => void close(fd),
  };
}

describe('journalEntry()', () => {
  it('writes a field a line, and values of several lines behind their length', () => {
    expect(journalEntry({ MESSAGE: 'so', HEADRACE_REASON: 'a\nb=c' })).toEqual(
      Buffer.from('MESSAGE=so\nHEADRACE_REASON\n\x05\0\0\0\0\0\0\0a\nb=c\n'),
    );
  });
});

describe('journalName()', () => {
  it.each([
    ['event', 'HEADRACE_EVENT'],
    ['exitCode', 'HEADRACE_EXITCODE'],
    ['a-b.c', 'HEADRACE_A_B_C'],
    ['x'.repeat(100), `HEADRACE_${'X'.repeat(55)}`],
  ])('makes of %s %s', (name, expected) => {
    expect(journalName(name)).toBe(expected);
  });
});

describe('journalWriter()', () => {
  const line = JSON.stringify({
    level: 40,
    time: 1,
    event: 'backend_fails',
    pool: 'web',
    before: 'up',
    count: 1,
    msg: 'giving up on web',
  });

  it('sends every field by its name, with priority and identifier', () => {
    const other = journald('there');
    using journal = new Journal(other.file);
    const printed: string[] = [];
    journalWriter(journal, (text) => printed.push(text)).write(line);
    expect(other.take().trimEnd().split('\n')).toEqual([
      'MESSAGE=giving up on web',
      'PRIORITY=4',
      'SYSLOG_IDENTIFIER=headrace',
      'HEADRACE_EVENT=backend_fails',
      'HEADRACE_POOL=web',
      'HEADRACE_BEFORE=up',
      'HEADRACE_COUNT=1',
    ]);
    expect(printed).toEqual([]);
    other.close();
  });

  it('prints what the journal does not take', () => {
    using journal = new Journal(path.join(folder, 'nobody'));
    const printed: string[] = [];
    journalWriter(journal, (text) => printed.push(text)).write(line);
    expect(printed).toEqual(['<4>giving up on web (event=backend_fails pool=web before=up count=1)\n']);
  });
});
