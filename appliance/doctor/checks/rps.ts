/** Receive packet steering, which XDP comes before. */
import { type Check, ok, type Result, unknown } from '../check.ts';

export const rps: Check = {
  name: 'rps',
  why: 'Receive packet steering moves packets to other CPUs only after XDP: forwarded ones never meet it, and what is left to the kernel pays for the move.',
  examine({ interfaces }) {
    return interfaces.map(({ name, rpsMasks }): Result => {
      if (!rpsMasks) return unknown(name, 'packet steering cannot be read from this namespace');
      if (!rpsMasks.some((mask) => /[1-9a-f]/.test(mask))) return ok(name, 'no packet steering');
      return {
        subject: name,
        verdict: 'note',
        says: 'packets left to the kernel are steered to other CPUs (rps_cpus)',
        mend: `for q in /sys/class/net/${name}/queues/rx-*; do echo 0 > $q/rps_cpus; done`,
      };
    });
  },
};
