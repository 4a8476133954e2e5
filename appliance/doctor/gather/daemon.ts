/** Facts of the daemon, from what it answers and from /proc and its cgroup. */
import type { DaemonStatus } from '../../daemon/status.ts';
import type { DaemonFacts } from '../facts.ts';
import { textOf } from './files.ts';

export function daemonFacts(status: Pick<DaemonStatus, 'pid' | 'healthy' | 'problems'>): DaemonFacts {
  const user = /^Uid:\s+(\d+)/m.exec(textOf(`/proc/${status.pid}/status`) ?? '')?.[1];
  const group = memoryGroup(textOf(`/proc/${status.pid}/cgroup`) ?? '');
  return {
    pid: status.pid,
    healthy: status.healthy,
    problems: status.problems,
    user: user === undefined ? null : Number(user),
    memoryLimitBytes: group === null ? null : bytesOf(`${group}/memory.max`),
    memoryUsedBytes: group === null ? null : bytesOf(`${group}/memory.current`),
  };
}

/** Folder of a process's cgroup of version 2, from its /proc/PID/cgroup. */
function memoryGroup(text: string): string | null {
  const path = /^0::(\/.*)$/m.exec(text)?.[1];
  return path === undefined || path === '/' ? null : `/sys/fs/cgroup${path}`;
}

/** A number of bytes; null for "max" and for what is not there. */
function bytesOf(path: string): number | null {
  const value = Number(textOf(path) ?? 'max');
  return Number.isFinite(value) ? value : null;
}
