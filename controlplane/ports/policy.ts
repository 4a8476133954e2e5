/** What is decided elsewhere about ports, and written into their records: which of them the kernel must have. */
import { portFlag } from '../bpf/generated/headrace.ts';
import type { Link } from '../netlink/index.ts';
import type { DesiredPort } from './desired.ts';

export interface PortDecision {
  /** What arrives by these goes to the kernel. By ifindex. */
  readonly toKernel: ReadonlySet<number>;
  /** What is routed and leaves by these is sent by the kernel. What is balanced is not: it cannot be. By ifindex. */
  readonly notOut: ReadonlySet<number>;
  /** Everything goes to the kernel once the daemon is gone. */
  readonly needsDaemon: boolean;
}

/** @param ports the interfaces that are to be ports. @param links all interfaces. */
export type PortPolicy = (ports: readonly Link[], links: readonly Link[]) => PortDecision;

/** The ports as the policy will have them. */
export function underPolicy(
  ports: ReadonlyMap<number, DesiredPort>,
  links: readonly Link[],
  policy: PortPolicy | undefined,
): ReadonlyMap<number, DesiredPort> {
  if (!policy) return ports;
  const { toKernel, notOut, needsDaemon } = policy(
    [...ports.values()].map(({ link }) => link),
    links,
  );
  return new Map(
    [...ports].map(([ifindex, port]) => {
      let { flags } = port;
      if (toKernel.has(ifindex)) flags |= portFlag.TO_KERNEL;
      if (needsDaemon) flags |= portFlag.NEEDS_DAEMON;
      if (notOut.has(ifindex)) flags &= ~portFlag.TRANSMITS;
      return [ifindex, { ...port, flags, transmits: port.transmits && !notOut.has(ifindex) }];
    }),
  );
}
