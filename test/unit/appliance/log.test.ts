import { closeSync, fstatSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isJournal, journalLines } from '../../../appliance/daemon/log.ts';

const line = (fields: object): string => JSON.stringify({ time: 1, ...fields });

describe('journalLines()', () => {
  it('begins with the priority of the level', () => {
    for (const [level, priority] of [
      [20, 7],
      [30, 6],
      [40, 4],
      [50, 3],
      [60, 2],
    ])
      expect(journalLines(line({ level, msg: 'a sentence' }))).toBe(`<${priority}>a sentence\n`);
  });

  it('gives every line of a message the priority', () => {
    expect(journalLines(line({ level: 50, msg: 'reload refused:\nheadrace.yaml:1:1: wrong\n    fix: it' }))).toBe(
      '<3>reload refused:\n<3>headrace.yaml:1:1: wrong\n<3>    fix: it\n',
    );
  });

  it('adds every field, whatever the sentence says', () => {
    expect(
      journalLines(line({ level: 40, event: 'x_happened', port: 'p0', before: 'up', why: 'so so', msg: 'p0 gave up' })),
    ).toBe('<4>p0 gave up (event=x_happened port=p0 before=up why="so so")\n');
  });
});

describe('isJournal()', () => {
  it('compares device and inode of the stream', () => {
    const fd = openSync('/dev/null', 'w');
    try {
      const { dev, ino } = fstatSync(fd, { bigint: true });
      expect(isJournal(`${dev}:${ino}`, fd)).toBe(true);
      expect(isJournal(`${dev}:${ino + 1n}`, fd)).toBe(false);
      expect(isJournal(undefined, fd)).toBe(false);
    } finally {
      closeSync(fd);
    }
  });
});
