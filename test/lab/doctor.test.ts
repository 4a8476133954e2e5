/** The doctor on a box that is set up badly: it finds what was broken, names the cure, and changes nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../appliance/doctor/check.ts';
import type { Facts } from '../../appliance/doctor/facts.ts';
import { Headrace, Lab, minimalConfig, type RoutedPair, routedPair, until } from './library/index.ts';

describe('headrace doctor', () => {
  let lab: Lab;
  let pair: RoutedPair;
  let box: Headrace;

  beforeAll(() => {
    lab = new Lab('doctor');
    pair = routedPair(lab);
    box = new Headrace(pair.box, minimalConfig);
  });
  afterAll(() => lab?.cleanup());

  const doctor = (...words: readonly string[]): { facts: Facts; findings: Finding[]; status: number } => {
    const { stdout, stderr, status } = box.cli('doctor', '--json', ...words);
    expect(stderr).toBe('');
    return { ...(JSON.parse(stdout) as { facts: Facts; findings: Finding[] }), status };
  };
  const verdicts = (findings: readonly Finding[], check: string, subject: string): string[] =>
    findings.filter((finding) => finding.check === check && finding.subject === subject).map(({ verdict }) => verdict);

  it('looks at every interface when there is neither a configuration nor a daemon', () => {
    const { facts, findings } = doctor();
    expect(facts.interfaces.map(({ name }) => name).sort()).toEqual(['p0', 'p1']);
    expect(facts.interfaces[0]).toMatchObject({
      kind: 'veth',
      driver: 'veth',
      offloads: { 'rx-gro': expect.any(Boolean) },
    });
    // /sys is the machine's, not this namespace's.
    expect(facts.interfaces[0]).toMatchObject({ rpsMasks: null, interrupts: null });
    expect(verdicts(findings, 'forwarding', 'system')).toEqual(['ok', 'ok']);
    expect(verdicts(findings, 'daemon', 'system')).toEqual(['note']);
  });

  it('finds what is set badly, with the command that mends it, and that command does', () => {
    pair.box.sysctl('net.ipv4.ip_forward', 0);
    pair.box.sysctl('net.ipv4.conf.p0.rp_filter', 1);
    pair.box.exec(['ethtool', '-L', 'p0', 'rx', '1', 'tx', '1'], { mayFail: true });
    pair.server.exec(['ethtool', '-K', 's0', 'gro', 'off']);
    const drop = 'table ip t { chain f { type filter hook forward priority 0; iifname "p1" tcp dport 9 drop; }; }';
    pair.box.exec(['nft', '-f', '-'], { input: drop });
    const { findings, status } = doctor('-c', box.configFile);
    expect(status).toBe(1);
    expect(findings[0]).toMatchObject({ check: 'forwarding', verdict: 'fail' });
    expect(verdicts(findings, 'rp-filter', 'p0')).toEqual(['note']);
    expect(verdicts(findings, 'rp-filter', 'p1')).toEqual(['ok']);
    expect(verdicts(findings, 'firewall', 'p0')).toEqual(['ok']);
    expect(verdicts(findings, 'firewall', 'p1')).toEqual(['warn']);
    expect(findings.find((finding) => finding.check === 'egress' && finding.subject === 'p1')).toMatchObject({
      verdict: 'warn',
      mend: expect.stringContaining('gro on'),
    });
    // What it says to do is run as it stands, except at the far end.
    for (const { mend, check } of findings)
      if (mend && (check === 'forwarding' || check === 'rp-filter')) pair.box.exec(['sh', '-c', mend]);
    pair.server.exec(['ethtool', '-K', 's0', 'gro', 'on']);
    pair.box.exec(['nft', 'delete', 'table', 'ip', 't']);
    const mended = doctor('-c', box.configFile).findings;
    expect(verdicts(mended, 'forwarding', 'system')).toEqual(['ok', 'ok']);
    expect(verdicts(mended, 'rp-filter', 'p0')).toEqual(['ok']);
    expect(verdicts(mended, 'firewall', 'p1')).toEqual(['ok']);
    expect(verdicts(mended, 'egress', 'p1')).not.toContain('warn');
  });

  it("tells Headrace's own program from another's, and asks the daemon", async () => {
    await box.start();
    const running = doctor();
    expect(running.facts.daemon).toMatchObject({ pid: box.process.pid, healthy: true });
    expect(verdicts(running.findings, 'daemon', 'system')).toEqual(['ok']);
    expect(verdicts(running.findings, 'other-programs', 'p0')).toEqual(['ok']);
    expect(verdicts(running.findings, 'xdp-mode', 'p0')).toEqual(['ok']);
    expect(verdicts(running.findings, 'pins', 'system')).toEqual(['ok']);
    // A box of another name has no program here, so this one's are another's to it.
    const stranger = new Headrace(pair.box, minimalConfig, { instance: 'other' });
    const other = (JSON.parse(stranger.cli('doctor', '--json').stdout) as { findings: Finding[] }).findings;
    expect(verdicts(other, 'other-programs', 'p0')).toEqual(['fail']);
    await box.kill();
    await until('the doctor to miss the daemon', () => verdicts(doctor().findings, 'daemon', 'system')[0] === 'warn');
  });
});
