/**
 * A process that loads the programs, and makes the maps they need, for a daemon that goes on with its work meanwhile:
 * making maps of hundreds of megabytes and verifying a program takes hundreds of milliseconds, and would keep health
 * checks, leases and everything else waiting that long. Started with one argument, what to load as JSON.
 */
import { DataPlane } from './data-plane.ts';
import type { Features } from './optional-maps.ts';
import type { InstancePaths } from './pins.ts';

export interface PreloadOrder {
  readonly objectPath: string;
  readonly paths: InstancePaths;
  readonly features: Features;
}

const { objectPath, paths, features } = JSON.parse(process.argv[2] ?? '') as PreloadOrder;
DataPlane.preload(objectPath, paths, features);
