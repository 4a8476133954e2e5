/** Do the CPUs run at full speed when a packet arrives? */
import { type Check, ok, system } from '../check.ts';

export const governor: Check = {
  name: 'governor',
  why: 'A CPU that is clocked down between bursts drops packets at the beginning of each.',
  examine({ governors }) {
    if (governors.length === 0) return [ok(system, 'the kernel sets no CPU frequency here')];
    if (governors.every((name) => name === 'performance')) return [ok(system, 'CPU governor performance')];
    return [
      {
        subject: system,
        verdict: 'note',
        says: `CPU governor ${governors.join(', ')}`,
        mend: 'cpupower frequency-set -g performance',
      },
    ];
  },
};
