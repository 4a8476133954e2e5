/** Is each queue's interrupt on a CPU of its own, and does it stay there? */
import { type Check, ok, type Result, system, unknown } from '../check.ts';
import type { InterfaceFacts } from '../facts.ts';

export const interrupts: Check = {
  name: 'interrupts',
  why: 'A CPU serves the queues whose interrupts it gets. Several on one CPU share it while others idle; irqbalance moves them, which reorders packets and empties caches.',
  examine(facts) {
    const results = facts.interfaces
      .filter(({ kind }) => kind === null)
      .map((port) => examinePort(port, facts.cpus.length));
    if (results.length > 0 && facts.irqbalance)
      results.push({
        subject: system,
        verdict: 'note',
        says: 'irqbalance is running, and moves interrupts between CPUs',
        mend: 'systemctl disable --now irqbalance',
      });
    return results;
  },
};

function examinePort({ name, interrupts: own }: InterfaceFacts, cpus: number): Result {
  if (!own) return unknown(name, 'its interrupts cannot be told');
  if (own.length < 2 || cpus < 2) return ok(name, `${own.length} interrupt${own.length === 1 ? '' : 's'}`);
  const used = new Set(own.flatMap((interrupt) => interrupt.cpus));
  if (used.size >= Math.min(cpus, own.length)) return ok(name, `${own.length} interrupts on ${used.size} CPUs`);
  const first = own[0]!.number;
  return {
    subject: name,
    verdict: 'warn',
    says: `${own.length} interrupts on ${used.size} of ${cpus} CPUs`,
    mend: `echo 0 > /proc/irq/${first}/smp_affinity_list   # and so on: one CPU for each of ${own.map(({ number }) => number).join(', ')}`,
  };
}
