/** What the machine pays for the CPU's weaknesses, and whether strangers may load BPF programs. */
import { type Check, ok, type Result, setSysctl, sysctl, system, unknown } from '../check.ts';

/** Mitigations that make each call or return dear, and so each helper of a BPF program. */
const dear: readonly (readonly [string, RegExp, string])[] = [
  ['spectre_v2', /Retpolines/i, 'retpolines'],
  ['spec_rstack_overflow', /Safe RET/i, 'safe returns (SRSO)'],
  ['retbleed', /untrained return thunk/i, 'untrained return thunks (Retbleed)'],
];

export const mitigations: Check = {
  name: 'mitigations',
  why: 'Each indirect call and return costs more under some mitigations, and a packet makes a dozen. This is the price of safety: newer CPUs and microcode have it cheaper. Unprivileged BPF makes the kernel use dearer ones.',
  examine(facts) {
    const results: Result[] = [];
    const known = Object.keys(facts.vulnerabilities).length > 0;
    const found = dear
      .filter(([name, pattern]) => pattern.test(facts.vulnerabilities[name] ?? ''))
      .map((entry) => entry[2]);
    if (!known) results.push(unknown(system, 'CPU mitigations cannot be read'));
    else if (found.length > 0)
      results.push({
        subject: system,
        verdict: 'note',
        says: `the CPU is protected by ${found.join(', ')}, which make calls dearer`,
      });
    else results.push(ok(system, 'no mitigation that makes calls dearer'));
    if (sysctl(facts, 'kernel.unprivileged_bpf_disabled') === 0)
      results.push({
        subject: system,
        verdict: 'warn',
        says: 'every user may load BPF programs (kernel.unprivileged_bpf_disabled=0)',
        mend: setSysctl('kernel.unprivileged_bpf_disabled', 2),
      });
    return results;
  },
};
