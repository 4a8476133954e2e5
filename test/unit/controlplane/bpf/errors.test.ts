import { describe, expect, it } from 'vitest';
import { BpfError, VerifierError } from '../../../../controlplane/bpf/errors.ts';

describe('BpfError', () => {
  it('says what failed and why, with a stable code and a hint', () => {
    const error = new BpfError('open pinned map /x', -1);
    expect(error.message).toBe('open pinned map /x: operation not permitted (EPERM)');
    expect(error).toMatchObject({ code: 'EPERM', errno: 1, name: 'BpfError' });
    expect(error.hint).toContain('CAP_BPF');
  });
});

describe('VerifierError', () => {
  it('takes the last line before the statistics as the summary', () => {
    const log = [
      "libbpf: prog 'x': -- BEGIN PROG LOAD LOG --",
      '0: R1=ctx(off=0,imm=0) R10=fp0',
      "R1 invalid mem access 'scalar'",
      'processed 2 insns (limit 1000000) max_states_per_insn 0',
      '-- END PROG LOAD LOG --',
    ].join('\n');
    const error = new VerifierError('load x.o', 13, log);
    expect(error.summary).toBe("R1 invalid mem access 'scalar'");
    expect(error.log).toBe(log);
    expect(error.message).toContain("invalid mem access 'scalar'");
  });
});
