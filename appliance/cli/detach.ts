/** `headrace detach`: takes the programs off and removes every pin of the box. A running daemon is stopped first. */
import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { removeVipRoutes } from '../../controlplane/balancer/vip-routes.ts';
import { removeCheckDevice } from '../../controlplane/check-path/index.ts';
import { type InstancePaths, removeInstance } from '../../controlplane/dataplane/index.ts';
import { neighborsFile, releaseNeighbors } from '../../controlplane/neighbors/index.ts';
import type { DaemonStatus } from '../daemon/status.ts';
import { askDaemon, type InstanceOptions, pathsOf, withInstance } from './instance.ts';

const STOP_TIMEOUT_MS = 10_000;

export function addDetach(program: Command): void {
  withInstance(program.command('detach'))
    .description(
      'stop the daemon, take the programs off the interfaces and forget the counters; the kernel forwards alone',
    )
    .addHelpText('after', '\nExamples:\n  headrace detach\n  headrace detach --instance edge')
    .action(async (options: InstanceOptions) => {
      const paths = await pathsOf(options);
      await stopDaemon(paths);
      const detached = existsSync(paths.pins) ? removeInstance(paths) : 0;
      await removeVipRoutes();
      removeCheckDevice(paths.instance);
      releaseNeighbors(neighborsFile(paths));
      rmSync(paths.run, { recursive: true, force: true });
      console.log(`detached from ${detached} ${detached === 1 ? 'interface' : 'interfaces'}`);
    });
}

/** A daemon that still ran would attach again. @throws Error with code RUNNING when it does not stop. */
async function stopDaemon(paths: InstancePaths): Promise<void> {
  const pid = (await askDaemon<DaemonStatus>(paths, '/status'))?.pid;
  if (!pid) return;
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + STOP_TIMEOUT_MS;
  while (await askDaemon(paths, '/status')) {
    if (performance.now() > deadline)
      throw Object.assign(new Error(`stop the daemon of instance "${paths.instance}": pid ${pid} does not end`), {
        code: 'RUNNING',
      });
    await sleep(50);
  }
  console.log(`stopped the daemon (pid ${pid})`);
}
