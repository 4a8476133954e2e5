/** Does the kernel forward? Headrace asks it, so where it does not, nothing is forwarded. */
import { type Check, ok, type Result, setSysctl, sysctl, system, unknown } from '../check.ts';

export const forwarding: Check = {
  name: 'forwarding',
  why: 'The packet path asks the kernel where a packet goes. Where the kernel does not forward, all packets are left to it, and it drops them.',
  examine(facts) {
    return (
      [
        ['IPv4', 'net.ipv4.ip_forward', 'fail'],
        ['IPv6', 'net.ipv6.conf.all.forwarding', 'warn'],
      ] as const
    ).map(([family, name, verdict]): Result => {
      const value = sysctl(facts, name);
      if (value === undefined) return unknown(system, `${name} cannot be read`);
      if (value !== 0) return ok(system, `${family} is forwarded`);
      return { subject: system, verdict, says: `${family} is not forwarded (${name}=0)`, mend: setSysctl(name, 1) };
    });
  },
};
