/**
 * Working in another network namespace for a moment. A socket, a link and an ifindex belong to the namespace they were
 * made in, so one process can serve many.
 */
import { closeSync, openSync, statSync } from 'node:fs';
import { BpfError } from './errors.ts';
import { errno, setns } from './libc.ts';

const CLONE_NEWNET = 0x40000000;

/**
 * Runs synchronous `work` with the calling thread in the namespace at `path` (/run/netns/NAME). Threads and the libuv
 * pool stay where they are, hence no promises.
 */
export function inNetns<T>(path: string, work: () => T extends PromiseLike<unknown> ? never : T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(path, 'r');
    try {
      enter(there, path);
    } finally {
      closeSync(there);
    }
    try {
      return work();
    } finally {
      enter(home, 'the namespace it came from');
    }
  } finally {
    closeSync(home);
  }
}

function enter(fd: number, what: string): void {
  if (setns(fd, CLONE_NEWNET) < 0) {
    const code = errno();
    throw new BpfError(`enter network namespace ${what}`, code);
  }
}

/** Inode number that identifies the calling thread's network namespace. */
export function netnsInode(): bigint {
  return BigInt(statSync('/proc/thread-self/ns/net').ino);
}
