/**
 * Each check, on the facts of a server that is set up well with one thing changed, and all of them on facts recorded
 * from a virtual machine as it comes.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Finding, Verdict } from '../../../../appliance/doctor/check.ts';
import { checks } from '../../../../appliance/doctor/checks/index.ts';
import type { Facts, InterfaceFacts } from '../../../../appliance/doctor/facts.ts';
import { examine, exitStatus, report } from '../../../../appliance/doctor/index.ts';
import { daemonFacts, goodFacts, goodPort } from './good-facts.ts';

const port = (change: Partial<InterfaceFacts>): Partial<Facts> => ({ interfaces: [{ ...goodPort, ...change }] });
const sysctls = (change: Facts['sysctls']): Partial<Facts> => ({ sysctls: { ...goodFacts.sysctls, ...change } });

interface Case {
  readonly check: string;
  readonly of: string;
  readonly change: Partial<Facts>;
  readonly verdict: Verdict;
  readonly says: RegExp;
  readonly mend?: RegExp;
}

const claim = {
  interface: 'eth0',
  direction: 'in',
  cause: 'nftables',
  where: 'chain inet filter forward (forward)',
  bypassed: false,
} as const;

const cases: readonly Case[] = [
  {
    check: 'firewall',
    of: 'a rule that sees forwarded packets',
    change: { firewall: [claim] },
    verdict: 'warn',
    says: /chain inet filter forward .* handles what arrives by it/,
    mend: /^nft -a list ruleset/,
  },
  {
    check: 'firewall',
    of: 'a shaper on the way out',
    change: { firewall: [{ ...claim, direction: 'out', cause: 'traffic_control', where: 'qdisc htb on eth0' }] },
    verdict: 'warn',
    says: /what leaves by it/,
    mend: /^tc /,
  },
  {
    check: 'firewall',
    of: 'a rule that is skipped on purpose',
    change: { firewall: [{ ...claim, bypassed: true }] },
    verdict: 'note',
    says: /skipped/,
  },
  {
    check: 'firewall',
    of: 'rules that cannot be read',
    change: { firewall: [{ ...claim, cause: 'unknown', where: 'nftables could not be read (EPERM)' }] },
    verdict: 'unknown',
    says: /could not be read/,
  },
  {
    check: 'firewall',
    of: 'nothing that can be read',
    change: { firewall: null },
    verdict: 'unknown',
    says: /cannot be read/,
  },
  {
    check: 'kernel',
    of: 'Linux 5.15',
    change: { kernel: { release: '5.15.0-91-generic', btf: true } },
    verdict: 'fail',
    says: /too old/,
    mend: /linux-image/,
  },
  {
    check: 'kernel',
    of: 'Linux 6.1',
    change: { kernel: { release: '6.1.0-18-amd64', btf: true } },
    verdict: 'note',
    says: /netdev family/,
  },
  {
    check: 'kernel',
    of: 'no types',
    change: { kernel: { release: '6.12.1', btf: false } },
    verdict: 'note',
    says: /btf/,
  },
  {
    check: 'bpf-jit',
    of: 'the interpreter',
    change: sysctls({ 'net.core.bpf_jit_enable': '0' }),
    verdict: 'warn',
    says: /interpreted/,
    mend: /bpf_jit_enable=1/,
  },
  {
    check: 'bpf-jit',
    of: 'hardening',
    change: sysctls({ 'net.core.bpf_jit_harden': '2' }),
    verdict: 'warn',
    says: /blinded/,
    mend: /bpf_jit_harden=1/,
  },
  {
    check: 'bpf-jit',
    of: 'a namespace that hides it',
    change: sysctls({ 'net.core.bpf_jit_enable': null }),
    verdict: 'unknown',
    says: /cannot be read/,
  },
  {
    check: 'mitigations',
    of: 'retpolines',
    change: { vulnerabilities: { spectre_v2: 'Mitigation: Retpolines; IBPB: conditional' } },
    verdict: 'note',
    says: /retpolines/,
  },
  {
    check: 'mitigations',
    of: 'BPF for everybody',
    change: sysctls({ 'kernel.unprivileged_bpf_disabled': '0' }),
    verdict: 'warn',
    says: /every user/,
    mend: /unprivileged_bpf_disabled=2/,
  },
  {
    check: 'governor',
    of: 'powersave',
    change: { governors: ['powersave'] },
    verdict: 'note',
    says: /powersave/,
    mend: /performance/,
  },
  { check: 'clock', of: 'hpet', change: { clocksource: 'hpet' }, verdict: 'warn', says: /hpet/, mend: /tsc/ },
  { check: 'clock', of: 'nothing known', change: { clocksource: null }, verdict: 'unknown', says: /cannot be read/ },
  {
    check: 'forwarding',
    of: 'no IPv4',
    change: sysctls({ 'net.ipv4.ip_forward': '0' }),
    verdict: 'fail',
    says: /IPv4 is not forwarded/,
    mend: /ip_forward=1/,
  },
  {
    check: 'forwarding',
    of: 'no IPv6',
    change: sysctls({ 'net.ipv6.conf.all.forwarding': '0' }),
    verdict: 'warn',
    says: /IPv6 is not forwarded/,
    mend: /forwarding=1/,
  },
  {
    check: 'rp-filter',
    of: 'strict by all',
    change: sysctls({ 'net.ipv4.conf.all.rp_filter': '1' }),
    verdict: 'note',
    says: /strict/,
    mend: /net\/ipv4\/conf\/eth0\/rp_filter=0/,
  },
  {
    check: 'rp-filter',
    of: 'loose by the interface',
    change: sysctls({ 'net.ipv4.conf.eth0.rp_filter': '2' }),
    verdict: 'note',
    says: /loose/,
  },
  {
    check: 'neighbor-table',
    of: "a host's limit",
    change: sysctls({ 'net.ipv4.neigh.default.gc_thresh3': '1024' }),
    verdict: 'warn',
    says: /1024 IPv4/,
    mend: /gc_thresh3=16384/,
  },
  {
    check: 'neighbor-table',
    of: 'a table nearly full',
    change: { neighbors: { ipv4: 10, ipv6: 15_000 } },
    verdict: 'fail',
    says: /15000 of 16384 IPv6/,
    mend: /net\.ipv6\.neigh/,
  },
  {
    check: 'route-mtu',
    of: 'the default',
    change: sysctls({ 'net.ipv4.ip_forward_use_pmtu': '0' }),
    verdict: 'note',
    says: /locked/,
    mend: /use_pmtu=1/,
  },
  {
    check: 'multipath',
    of: 'hash policy 0',
    change: sysctls({ 'net.ipv4.fib_multipath_hash_policy': '0' }),
    verdict: 'note',
    says: /hash_policy=0/,
    mend: /hash_policy=1/,
  },
  {
    check: 'multipath',
    of: 'dead legs kept',
    change: sysctls({ 'net.ipv6.conf.eth0.ignore_routes_with_linkdown': '0' }),
    verdict: 'note',
    says: /no carrier/,
    mend: /conf\/eth0\/ignore_routes_with_linkdown=1/,
  },
  {
    check: 'xdp-mode',
    of: 'generic mode',
    change: port({ xdp: { mode: 'generic', programId: 7 } }),
    verdict: 'warn',
    says: /generic/,
    mend: /native XDP/,
  },
  {
    check: 'xdp-mode',
    of: 'a driver without',
    change: port({ xdp: null, xdpFeatures: { basic: false, ndoXmit: false, ndoXmitSg: false } }),
    verdict: 'fail',
    says: /no native XDP.*ice/,
    mend: /allow_generic/,
  },
  {
    check: 'xdp-mode',
    of: 'a driver without, generic allowed',
    change: {
      ...port({ xdp: null, xdpFeatures: { basic: false, ndoXmit: false, ndoXmitSg: false } }),
      allowGeneric: true,
    },
    verdict: 'warn',
    says: /generic mode is allowed/,
  },
  {
    check: 'other-programs',
    of: "another's program",
    change: port({ xdp: { mode: 'native', programId: 99 } }),
    verdict: 'fail',
    says: /99/,
    mend: /xdp off/,
  },
  { check: 'egress', of: 'no carrier', change: port({ running: false }), verdict: 'warn', says: /no carrier/ },
  { check: 'egress', of: 'down', change: port({ up: false }), verdict: 'warn', says: /is down/, mend: /eth0 up/ },
  {
    check: 'egress',
    of: 'a veth whose far end has no GRO',
    change: port({ kind: 'veth', xdpFeatures: { basic: true, ndoXmit: false, ndoXmitSg: false } }),
    verdict: 'warn',
    says: /far end/,
    mend: /gro on/,
  },
  {
    check: 'egress',
    of: 'a driver that waits for a program',
    change: port({ xdp: null, xdpFeatures: { basic: true, ndoXmit: false, ndoXmitSg: false } }),
    verdict: 'note',
    says: /while no program/,
  },
  {
    check: 'queues',
    of: 'fewer than CPUs',
    change: port({ channels: { receive: 2, transmit: 2, receiveMax: 16, transmitMax: 16, combined: true } }),
    verdict: 'warn',
    says: /2 receive and 2 transmit queues for 4 CPUs/,
    mend: /ethtool -L eth0 combined 4/,
  },
  {
    check: 'queues',
    of: 'a device with one',
    change: port({ channels: { receive: 1, transmit: 1, receiveMax: 1, transmitMax: 1, combined: true } }),
    verdict: 'note',
    says: /no more/,
  },
  {
    check: 'queues',
    of: 'separate queues',
    change: port({ channels: { receive: 1, transmit: 4, receiveMax: 8, transmitMax: 8, combined: false } }),
    verdict: 'warn',
    says: /1 receive/,
    mend: /rx 4 tx 4/,
  },
  {
    check: 'queues',
    of: 'a silent driver',
    change: port({ channels: null }),
    verdict: 'unknown',
    says: /does not tell/,
  },
  {
    check: 'rings',
    of: 'a short ring',
    change: port({ rings: { receive: 256, receiveMax: 4096, transmit: 256, transmitMax: 4096 } }),
    verdict: 'warn',
    says: /256 of at most 4096/,
    mend: /ethtool -G eth0 rx 2048/,
  },
  {
    check: 'offloads',
    of: 'LRO',
    change: port({ offloads: { 'rx-lro': true } }),
    verdict: 'fail',
    says: /LRO/,
    mend: /lro off/,
  },
  {
    check: 'offloads',
    of: 'GRO in hardware',
    change: port({ offloads: { 'rx-gro-hw': true } }),
    verdict: 'warn',
    says: /merges/,
    mend: /rx-gro-hw off/,
  },
  {
    check: 'offloads',
    of: 'stripped tags',
    change: port({ offloads: { 'rx-vlan-hw-parse': true } }),
    verdict: 'note',
    says: /stripped/,
    mend: /rxvlan off/,
  },
  {
    check: 'mtu',
    of: 'jumbo frames on a driver of single buffers',
    change: port({ mtu: 9000, xdpFeatures: { basic: true, ndoXmit: true, ndoXmitSg: false } }),
    verdict: 'warn',
    says: /MTU 9000/,
    mend: /mtu 3498/,
  },
  {
    check: 'mtu',
    of: 'different MTUs',
    change: { interfaces: [goodPort, { ...goodPort, name: 'eth1', mtu: 1400 }] },
    verdict: 'note',
    says: /1500, 1400/,
  },
  {
    check: 'interrupts',
    of: 'all on one CPU',
    change: port({ interrupts: [30, 31, 32, 33].map((number) => ({ number, cpus: [0] })) }),
    verdict: 'warn',
    says: /4 interrupts on 1 of 4 CPUs/,
    mend: /\/proc\/irq\/30\//,
  },
  { check: 'interrupts', of: 'irqbalance', change: { irqbalance: true }, verdict: 'note', says: /irqbalance/ },
  {
    check: 'rps',
    of: 'steering',
    change: port({ rpsMasks: ['00', '0f'] }),
    verdict: 'note',
    says: /rps_cpus/,
    mend: /queues\/rx-\*/,
  },
  {
    check: 'route-tables',
    of: 'a full table',
    change: { routes: { ipv4: 950_000, ipv6: 200_000 } },
    verdict: 'note',
    says: /950000 IPv4/,
  },
  {
    check: 'memory',
    of: 'a small limit',
    change: { daemon: { ...daemonFacts, memoryLimitBytes: 2 ** 28 } },
    verdict: 'warn',
    says: /256 MiB/,
    mend: /MemoryMax/,
  },
  {
    check: 'memory',
    of: 'a limit nearly reached',
    change: { daemon: { ...daemonFacts, memoryUsedBytes: 0.9 * daemonFacts.memoryLimitBytes! } },
    verdict: 'warn',
    says: /uses/,
  },
  {
    check: 'pins',
    of: 'a mount open to all',
    change: { bpffs: { path: '/run/headrace/bpf', mode: 0o1777, owner: 0 } },
    verdict: 'fail',
    says: /mode 777/,
    mend: /chmod 700/,
  },
  {
    check: 'pins',
    of: "a mount that is not the daemon's user's",
    change: { bpffs: { path: '/run/headrace/bpf', mode: 0o700, owner: 0 } },
    verdict: 'fail',
    says: /user 0.*user 990/,
    mend: /chown 990/,
  },
  {
    check: 'daemon',
    of: 'pins without a daemon',
    change: { daemon: null },
    verdict: 'warn',
    says: /not running/,
    mend: /systemctl start/,
  },
  {
    check: 'daemon',
    of: 'a box that is not well',
    change: { daemon: { ...daemonFacts, healthy: false, problems: ['eth9: gone'] } },
    verdict: 'fail',
    says: /eth9: gone/,
  },
];

/** The check's finding that is not well. */
function findingOf(check: string, facts: Facts): Finding | undefined {
  return examine(facts).find((finding) => finding.check === check && finding.verdict !== 'ok');
}

describe('doctor', () => {
  it('has nothing to say of a server that is set up well', () => {
    const findings = examine(goodFacts);
    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(exitStatus(findings)).toBe(0);
    expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(checks.map(({ name }) => name)));
  });

  it.each(cases)('$check judges $of: $verdict', ({ check, change, verdict, says, mend }) => {
    const finding = findingOf(check, { ...goodFacts, ...change });
    expect(finding).toMatchObject({ verdict, says: expect.stringMatching(says) });
    if (mend) expect(finding?.mend).toMatch(mend);
    expect(finding?.why).not.toBe('');
  });

  it('covers every check', () => {
    expect(new Set(cases.map(({ check }) => check))).toEqual(new Set(checks.map(({ name }) => name)));
  });

  it('exits with 1 for what should be mended, and with 0 for notes and what cannot be learned', () => {
    for (const { check, change, verdict } of cases) {
      const judged = examine({ ...goodFacts, ...change }).filter((finding) => finding.check === check);
      expect(exitStatus(judged)).toBe(verdict === 'warn' || verdict === 'fail' ? 1 : 0);
    }
  });

  it('judges facts recorded from a virtual machine as it comes, worst first', () => {
    const recorded = JSON.parse(readFileSync(new URL('virtual-machine.json', import.meta.url), 'utf8')) as Facts;
    const findings = examine(recorded);
    expect(findings[0]).toMatchObject({ check: 'forwarding', verdict: 'fail' });
    expect(findings.at(-1)?.verdict).toBe('ok');
    expect(exitStatus(findings)).toBe(1);
    const text = report(findings, false);
    expect(text).toMatch(/^fail +system +forwarding: IPv4 is not forwarded/);
    expect(text).toMatch(/mend: ethtool -K eth0 rx-gro-hw off/);
    expect(text).not.toMatch(/^ok/m);
    expect(text).toMatch(/1 fail, .* ok {3}\(--all shows every one\)$/);
    expect(report(findings, true)).toMatch(/^ok/m);
  });

  it('stays silent about what it cannot learn', () => {
    const blind: Facts = {
      ...goodFacts,
      sysctls: {},
      vulnerabilities: {},
      clocksource: null,
      irqbalance: null,
      neighbors: null,
      routes: null,
      bpffs: null,
      interfaces: [
        {
          ...goodPort,
          driver: null,
          xdp: null,
          xdpFeatures: null,
          channels: null,
          rings: null,
          offloads: null,
          rpsMasks: null,
          interrupts: null,
        },
      ],
    };
    const findings = examine(blind);
    expect(findings.filter(({ verdict }) => verdict === 'fail' || verdict === 'warn')).toEqual([]);
    expect(findings.filter(({ verdict }) => verdict === 'unknown').length).toBeGreaterThan(12);
  });
});
