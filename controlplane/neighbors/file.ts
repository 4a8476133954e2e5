/** Where an instance keeps the neighbor timers that its interfaces had before. */
import path from 'node:path';
import type { InstancePaths } from '../dataplane/index.ts';

export function neighborsFile(paths: InstancePaths): string {
  return path.join(paths.run, 'neighbor-timers.json');
}
