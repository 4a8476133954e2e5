/** Are BPF programs compiled to machine code? */
import { type Check, ok, type Result, setSysctl, sysctl, system, unknown } from '../check.ts';

export const jit: Check = {
  name: 'bpf-jit',
  why: 'Interpreted, a packet costs several times as much. Hardening (bpf_jit_harden=2) blinds constants in all programs and makes each slower.',
  examine(facts) {
    const results: Result[] = [];
    const enabled = sysctl(facts, 'net.core.bpf_jit_enable');
    // Outside the first network namespace the kernel does not show it; there it is on in nearly every build.
    if (enabled === undefined) results.push(unknown(system, 'net.core.bpf_jit_enable cannot be read here'));
    else if (enabled === 0)
      results.push({
        subject: system,
        verdict: 'warn',
        says: 'BPF programs are interpreted (net.core.bpf_jit_enable=0)',
        mend: setSysctl('net.core.bpf_jit_enable', 1),
      });
    else results.push(ok(system, 'BPF programs are compiled'));
    if (sysctl(facts, 'net.core.bpf_jit_harden') === 2)
      results.push({
        subject: system,
        verdict: 'warn',
        says: 'constants are blinded in the programs of root too (net.core.bpf_jit_harden=2)',
        mend: setSysctl('net.core.bpf_jit_harden', 1),
      });
    return results;
  },
};
