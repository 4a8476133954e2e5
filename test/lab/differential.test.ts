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

  it('lets nothing past rules and reverse-path checks', () => {
    const guarded = report.classes.filter(({ name }) => /^(rules|rp-filter)/.test(name));
    expect(guarded).toHaveLength(5);
    for (const { name, sent, same } of guarded) expect({ name, same }).toEqual({ name, same: sent });
    expect(report.classes.find(({ name }) => name === 'rules-arriving')?.fast).toBe(0);
  });

  it('has met nearly every reason to leave a packet to the kernel', () => {
    const wanted = [
      ...['other_ethertype', 'other_host', 'group_frame', 'vlan', 'malformed', 'bad_checksum', 'ip_options'],
      ...['extension_header', 'martian_source', 'special_destination', 'ttl_expired', 'unfinished_checksum', 'local'],
      ...['no_neighbor', 'frag_needed', 'blackhole', 'unreachable', 'prohibit', 'forwarding_off', 'egress_unable'],
      ...['reverse_path', 'netfilter'],
    ];
    expect([...report.reasons.keys()]).toEqual(expect.arrayContaining(wanted));
  });
});

describe('Headrace with the mirror of the routes beside kernel forwarding, while both are changed alike', () => {
  let report: Report;

  beforeAll(async () => {
    report = await runDifferential({ seed: 11, count: 1200, fib: 'mirror', changing: true });
  });

  it('sends out what the kernel sends out, but for what is explained', () => {
    expect(report.mismatches.length, reportText(report)).toBe(0);
    expect(report.fastShare, reportText(report)).toBeGreaterThanOrEqual(0.95);
  });

  it('has had its answers from the mirror as well as from the helper', () => {
    expect(report.reasons.get('forwarded_mirror')).toBeGreaterThan(100);
    expect(report.reasons.get('forwarded')).toBeGreaterThan(0);
  });
});
