/** Whether this process and this kernel can do what the daemon needs, said before anything is tried. */
import os from 'node:os';
import { type Capability, hasCapability } from '../../controlplane/bpf/index.ts';

/**
 * @param mounted the bpffs is there; mounting it needs CAP_SYS_ADMIN
 * @returns what is missing and how to get it, or undefined
 */
export function missingPrivileges(mounted: boolean, also: readonly Capability[] = []): string | undefined {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 1))
    return `kernel ${os.release()} is too old: Headrace needs Linux 6.1 or newer`;
  const needed: Capability[] = ['CAP_NET_ADMIN', 'CAP_BPF', ...also, ...(mounted ? [] : (['CAP_SYS_ADMIN'] as const))];
  const missing = needed.filter((name) => !hasCapability(name));
  return missing.length > 0
    ? `missing ${missing.join(', ')}: run as root, or give the process these capabilities`
    : undefined;
}
