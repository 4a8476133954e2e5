/** Is there room for the neighbors of a router? */
import { type Check, ok, type Result, sysctl, system, unknown } from '../check.ts';

/** What the kernel starts with, meant for a host. */
const HOST_LIMIT = 1024;

export const neighborTable: Check = {
  name: 'neighbor-table',
  why: 'When the table is full no new neighbor is resolved, and hosts become unreachable at random. The kernel starts with room for 1024, for all namespaces together.',
  examine(facts) {
    return (
      [
        ['IPv4', 'net.ipv4.neigh.default', facts.neighbors?.ipv4],
        ['IPv6', 'net.ipv6.neigh.default', facts.neighbors?.ipv6],
      ] as const
    ).map(([family, prefix, used]): Result => {
      const limit = sysctl(facts, `${prefix}.gc_thresh3`);
      const mend = `sysctl -w ${prefix}.gc_thresh1=4096 ${prefix}.gc_thresh2=8192 ${prefix}.gc_thresh3=16384`;
      if (limit === undefined) return unknown(system, `${prefix}.gc_thresh3 cannot be read here`);
      if (used !== undefined && used > limit * 0.8)
        return { subject: system, verdict: 'fail', says: `${used} of ${limit} ${family} neighbors are taken`, mend };
      if (limit <= HOST_LIMIT)
        return { subject: system, verdict: 'warn', says: `room for ${limit} ${family} neighbors only`, mend };
      return ok(system, `room for ${limit} ${family} neighbors`);
    });
  },
};
