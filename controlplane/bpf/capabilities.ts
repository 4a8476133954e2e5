/** What this process may do: its effective capabilities (capabilities(7)). */
import { readFileSync } from 'node:fs';

/** Numbers of linux/capability.h. */
const bits = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_PERFMON: 38, CAP_BPF: 39 } as const;

export type Capability = keyof typeof bits;

export function hasCapability(name: Capability): boolean {
  const status = readFileSync('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
  // CAP_SYS_ADMIN is the old name of what CAP_BPF and CAP_PERFMON are for (Linux 5.8).
  return has(bits[name]) || ((name === 'CAP_BPF' || name === 'CAP_PERFMON') && has(bits.CAP_SYS_ADMIN));
}
