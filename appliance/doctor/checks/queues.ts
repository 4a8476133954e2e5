/** Are there as many queues as CPUs? */
import { type Check, ok, type Result, unknown } from '../check.ts';
import type { InterfaceFacts } from '../facts.ts';

export const queues: Check = {
  name: 'queues',
  why: 'Each receive queue is served by one CPU. With fewer than CPUs, some stay idle; with fewer transmit queues than CPUs, many drivers refuse XDP, or take a lock for each packet.',
  examine({ interfaces, cpus }) {
    return interfaces.map((port) => examinePort(port, cpus.length));
  },
};

function examinePort({ name, channels }: InterfaceFacts, cpus: number): Result {
  if (!channels) return unknown(name, 'the driver does not tell its queues');
  const { receive, transmit, receiveMax, transmitMax, combined } = channels;
  const says = `${receive} receive and ${transmit} transmit queues for ${cpus} CPUs`;
  if (receive >= cpus && transmit >= cpus) return ok(name, says);
  const possible = Math.min(cpus, Math.max(receiveMax, transmitMax));
  if (receiveMax <= receive && transmitMax <= transmit)
    return { subject: name, verdict: 'note', says: `${says}, and the device has no more` };
  return {
    subject: name,
    verdict: 'warn',
    says,
    mend: combined
      ? `ethtool -L ${name} combined ${possible}`
      : `ethtool -L ${name} rx ${Math.min(cpus, receiveMax)} tx ${Math.min(cpus, transmitMax)}`,
  };
}
