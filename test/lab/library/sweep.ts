/**
 * Taking a lab down, and finding what labs of dead runs left.
 *
 * Everything a lab makes carries its prefix `hr-NAME-PID`: namespaces in /run/netns, the run folder /run/hr-NAME-PID
 * (with Headrace's own bpffs in it) and /tmp/hr-NAME-PID. So a later run can tell by the process id whether anybody is
 * still using them. All of it is synchronous, for it also runs from exit and signal handlers.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';

const PREFIX = /^hr-[a-z0-9]+-(\d+)(?:-|$)/;

/** Namespaces, run folders and temporary folders that begin with `prefix`. */
export function leftovers(prefix: string): string[] {
  const mine = (name: string): boolean => name === prefix || name.startsWith(`${prefix}-`);
  return ['/run/netns', '/run', '/tmp'].flatMap((folder) =>
    list(folder)
      .filter(mine)
      .map((name) => `${folder}/${name}`),
  );
}

/** Kills, unmounts and removes all that begins with `prefix`. Never throws. */
export function demolish(prefix: string): void {
  for (const path of leftovers(prefix)) {
    if (path.startsWith('/run/netns/')) removeNamespace(path.slice('/run/netns/'.length));
  }
  for (const path of leftovers(prefix)) {
    if (path.startsWith('/run/netns/')) continue;
    for (const mountPoint of mountsBelow(path)) spawnSync('umount', ['-l', mountPoint]);
    rmSync(path, { recursive: true, force: true });
  }
}

/** Takes down the labs whose process is no longer alive. */
export function sweepDeadRuns(): void {
  const prefixes = new Set<string>();
  for (const folder of ['/run/netns', '/run', '/tmp']) {
    for (const name of list(folder)) {
      const pid = PREFIX.exec(name)?.[1];
      if (pid !== undefined && !existsSync(`/proc/${pid}`)) prefixes.add(name.split('-').slice(0, 3).join('-'));
    }
  }
  for (const prefix of prefixes) demolish(prefix);
}

function removeNamespace(name: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout ?? '';
  for (const pid of pids.split('\n').map(Number)) {
    if (pid > 1 && pid !== process.pid) kill(pid);
  }
  spawnSync('ip', ['netns', 'delete', name]);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Mount points under `path`, deepest first. */
function mountsBelow(path: string): string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point === path || point.startsWith(`${path}/`))
    .reverse();
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
