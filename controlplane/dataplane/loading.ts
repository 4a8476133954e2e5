/**
 * Loading the packet path's object over maps that are pinned already, and pinning those that are new.
 *
 * Everything is loaded before anything pinned changes, so that a load that fails leaves what was there.
 */
import { existsSync, mkdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { maps } from '../bpf/generated/headrace.ts';
import { BpfMap, BpfObject, type MapDescriptor, type Program } from '../bpf/index.ts';
import { type Features, isWanted, type OptionalMapName, omitUnwanted } from './optional-maps.ts';
import type { InstancePaths } from './pins.ts';

type MapOf<D> = D extends MapDescriptor<infer K, infer V> ? BpfMap<K, V> : never;

/** The packet path's maps by their names in the bindings. Those of a feature that is off are not there. */
export type DataPlaneMaps = {
  readonly [Name in Exclude<keyof typeof maps, OptionalMapName>]: MapOf<(typeof maps)[Name]>;
} & {
  readonly [Name in OptionalMapName]?: MapOf<(typeof maps)[Name]>;
};

export interface Loaded {
  readonly maps: DataPlaneMaps;
  readonly program: Program;
  readonly renew: Program;
}

/**
 * Loads the programs with these constants. Maps pinned by the instance are used again; the others are new and not pinned
 * yet.
 * @throws BpfError, VerifierError, LayoutError
 */
export function loadOver(objectPath: string, paths: InstancePaths, features: Features, adopt: boolean): Loaded {
  using object = BpfObject.open(objectPath);
  object.setConstants(features);
  const reused: BpfMap<never, never>[] = [];
  omitUnwanted(object, features);
  const wanted = Object.entries(maps).filter(([name]) => isWanted(name, features));
  try {
    for (const [, descriptor] of wanted) {
      const pin = path.join(paths.maps, descriptor.name);
      if (!adopt || !existsSync(pin)) continue;
      const pinned = BpfMap.openPinned(pin, descriptor as never) as BpfMap<never, never>;
      reused.push(pinned);
      object.reuse(pinned);
    }
    object.load();
  } finally {
    for (const map of reused) map.close();
  }
  const taken = wanted.map(([name, descriptor]) => [name, object.map(descriptor as never)]);
  return {
    maps: Object.fromEntries(taken) as DataPlaneMaps,
    program: object.program('headrace_xdp'),
    renew: object.program('headrace_renew'),
  };
}

/**
 * Pins what is not pinned yet, and takes away the pins of maps that no feature needs any more. The layout goes last: a
 * start that was interrupted before it left pins that the next one replaces.
 * @param keep pins that are there belong to these maps
 */
export function pinMaps(opened: DataPlaneMaps, paths: InstancePaths, keep: boolean): void {
  mkdirSync(paths.maps, { recursive: true, mode: 0o700 });
  mkdirSync(paths.links, { recursive: true, mode: 0o700 });
  const { layout, ...others } = opened;
  for (const map of [...Object.values(others), layout] as BpfMap<unknown, unknown>[]) {
    const pin = path.join(paths.maps, map.name);
    if (existsSync(pin)) {
      if (keep) continue;
      unlinkSync(pin);
    }
    map.pin(pin);
  }
  for (const [name, descriptor] of Object.entries(maps)) {
    const pin = path.join(paths.maps, descriptor.name);
    if (!(name in opened) && existsSync(pin)) unlinkSync(pin);
  }
}
