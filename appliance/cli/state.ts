/** A box's state: from its daemon, or, when none answers, from what it left pinned. */
import type { InstancePaths } from '../../controlplane/dataplane/index.ts';
import type { DaemonStatus } from '../daemon/status.ts';
import { askDaemon } from './instance.ts';

/** @throws Error when there is neither a daemon nor a pin. */
export async function stateOf(paths: InstancePaths): Promise<DaemonStatus> {
  const answer = await askDaemon<DaemonStatus>(paths, '/status');
  if (answer) return answer;
  const { pinnedState } = await import('./pinned-state.ts');
  return pinnedState(paths);
}
