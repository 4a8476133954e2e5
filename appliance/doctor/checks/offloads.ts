/** Offloads that change packets before, or instead of, the packet path. */
import { type Check, ok, type Result, unknown } from '../check.ts';

export const offloads: Check = {
  name: 'offloads',
  why: 'LRO merges packets so that they cannot be forwarded as they came. Stripping VLAN tags in hardware hides them from the program: a tagged packet would look untagged.',
  examine({ interfaces }) {
    return interfaces.flatMap(({ name, offloads: active }): Result[] => {
      if (!active) return [unknown(name, 'the driver does not tell its offloads')];
      const results: Result[] = [];
      if (active['rx-lro'])
        results.push({ subject: name, verdict: 'fail', says: 'LRO is on', mend: `ethtool -K ${name} lro off` });
      if (active['rx-gro-hw'])
        results.push({
          subject: name,
          verdict: 'warn',
          says: 'the card merges packets (rx-gro-hw)',
          mend: `ethtool -K ${name} rx-gro-hw off`,
        });
      if (active['rx-vlan-hw-parse'])
        results.push({
          subject: name,
          verdict: 'note',
          says: 'VLAN tags are stripped by the card (rxvlan)',
          mend: `ethtool -K ${name} rxvlan off`,
        });
      return results.length > 0 ? results : [ok(name, 'no offload that hides or merges packets')];
    });
  },
};
