/** The kernel says what is right: the same packets through its forwarding and through Headrace, compared byte for byte. */
import { beforeAll, describe, expect, it } from 'vitest';
import { classes } from './differential/classes.ts';
import { type Report, runDifferential } from './differential/run.ts';
import { reportText } from './differential/table.ts';

describe('Headrace beside kernel forwarding', () => {
  let report: Report;

  beforeAll(async () => {
    report = await runDifferential({ seed: 7, count: 1200 });
  });

  it('sends out what the kernel sends out, but for what is explained', () => {
    expect(report.classes.map(({ name }) => name)).toEqual(classes.map(({ name }) => name));
    expect(report.mismatches.length, reportText(report)).toBe(0);
  });

  it('takes at least 95 % of plainly forwardable packets by the fast path', () => {
    expect(report.fastShare, reportText(report)).toBeGreaterThanOrEqual(0.95);
  });
});
