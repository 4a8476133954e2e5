/** Is there memory for the packet path's tables? */
import { type Check, ok, type Result, system } from '../check.ts';

const MIB = 2 ** 20;
/** The daemon itself, its maps, and the tables of the FIB mirror. */
const WANTED_BYTES = 768 * MIB;

export const memory: Check = {
  name: 'memory',
  why: 'Maps that are mapped into the daemon count in its cgroup: under a limit that is too small, creating one fails and the start is refused, or the daemon is killed.',
  examine({ memory: { availableBytes }, daemon }) {
    const results: Result[] = [];
    const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
    if (!daemon && availableBytes < WANTED_BYTES / 2)
      results.push({
        subject: system,
        verdict: 'warn',
        says: `${mib(availableBytes)} of memory are free`,
        mend: 'give the machine more memory',
      });
    else results.push(ok(system, `${mib(availableBytes)} of memory are free`));
    if (daemon && daemon.memoryLimitBytes !== null) {
      const { memoryLimitBytes: limit, memoryUsedBytes: used } = daemon;
      const tight = limit < WANTED_BYTES || (used !== null && used > 0.85 * limit);
      const says = `the daemon may use ${mib(limit)}${used === null ? '' : ` and uses ${mib(used)}`}`;
      results.push(
        tight
          ? { subject: system, verdict: 'warn', says, mend: 'systemctl edit headrace   # [Service] MemoryMax=2G' }
          : ok(system, says),
      );
    }
    return results;
  },
};
