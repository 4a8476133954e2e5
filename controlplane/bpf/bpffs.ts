/**
 * A bpffs of Headrace's own. A mount made for the host outlives the daemon; /sys/fs/bpf is shared, often
 * world-writable, and hidden by tools that remount /sys.
 */
import { chmodSync, mkdirSync, statfsSync } from 'node:fs';
import { BpfError } from './errors.ts';
import { errno, mount } from './libc.ts';

const BPF_FS_MAGIC = 0xcafe4a11;

export function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type >>> 0 === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}

/** Makes sure that a bpffs, for root only, is mounted at `path`. @throws BpfError: EPERM without CAP_SYS_ADMIN. */
export function ensureBpffs(path: string): void {
  if (isBpffs(path)) return;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (mount('bpf', path, 'bpf', 0, 'mode=0700') < 0) {
    const code = errno();
    throw new BpfError(`mount bpffs at ${path}`, code);
  }
  chmodSync(path, 0o700);
}
