/** Is another's XDP program in the way? */
import { type Check, ok, type Result, unknown } from '../check.ts';

export const otherPrograms: Check = {
  name: 'other-programs',
  why: 'An interface runs one XDP program. Headrace never replaces the program of another, so it cannot attach there.',
  examine({ interfaces, ownPrograms }) {
    return interfaces.map(({ name, xdp }): Result => {
      if (!xdp) return ok(name, 'no XDP program of another');
      if (ownPrograms.includes(xdp.programId)) return ok(name, 'runs Headrace');
      if (xdp.programId === 0) return unknown(name, 'several XDP programs are attached');
      return {
        subject: name,
        verdict: 'fail',
        says: `runs another's XDP program (${xdp.programId})`,
        mend: `ip link set dev ${name} xdp off`,
      };
    });
  },
};
