/** Whether this process and this kernel can do what the daemon needs, said before anything is tried. */
import { readFileSync } from 'node:fs';
import os from 'node:os';

/** Capability numbers of linux/capability.h. */
const needed = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;

/** @returns what is missing and how to get it, or undefined. */
export function missingPrivileges(mounted: boolean): string | undefined {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 1))
    return `kernel ${os.release()} is too old: Headrace needs Linux 6.1 or newer`;
  const effective = BigInt(
    `0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`,
  );
  const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
  const lacking = Object.entries(needed).filter(([name, bit]) => !has(bit) && !(name === 'CAP_SYS_ADMIN' && mounted));
  // CAP_SYS_ADMIN includes CAP_BPF; alone it is needed only to mount the bpffs.
  const missing = lacking.map(([name]) => name).filter((name) => name !== 'CAP_BPF' || !has(needed.CAP_SYS_ADMIN));
  return missing.length > 0
    ? `missing ${missing.join(', ')}: run as root, or give the process these capabilities`
    : undefined;
}
