/**
 * Loading the packet path's object over maps that are pinned already, and pinning those that are new.
 *
 * Everything is loaded before anything pinned changes, so that a load that fails leaves what was there.
 */
import { existsSync, mkdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { maps } from '../bpf/generated/headrace.ts';
import { BpfMap, BpfObject, hasCapability, type MapDescriptor } from '../bpf/index.ts';
import { type Features, isWanted, type OptionalMapName, sizeMaps } from './optional-maps.ts';
import type { InstancePaths } from './pins.ts';
import { type Ingredients, openPreloaded, type Programs } from './preloaded.ts';

type MapOf<D> = D extends MapDescriptor<infer K, infer V> ? BpfMap<K, V> : never;

/** The packet path's maps by their names in the bindings. Those of a feature that is off are not there. */
export type DataPlaneMaps = {
  readonly [Name in Exclude<keyof typeof maps, OptionalMapName>]: MapOf<(typeof maps)[Name]>;
} & {
  readonly [Name in OptionalMapName]?: MapOf<(typeof maps)[Name]>;
};

export interface Loaded extends Programs {
  readonly maps: DataPlaneMaps;
}

/** What the loaded programs are made of. */
export function ingredientsOf(objectPath: string, features: Features, opened: DataPlaneMaps): Ingredients {
  return { objectPath, features, maps: Object.values(opened) as unknown as BpfMap<never, never>[] };
}

/**
 * Takes the programs with these constants that were loaded beforehand over the pinned maps.
 * @returns undefined when there are none
 * @throws BpfError, LayoutError
 */
export function takePreloaded(objectPath: string, paths: InstancePaths, features: Features): Loaded | undefined {
  const wanted = Object.entries(maps).filter(([name]) => isWanted(name, features));
  if (!existsSync(paths.programs) || !wanted.every(([, { name }]) => existsSync(path.join(paths.maps, name))))
    return undefined;
  const opened: [string, BpfMap<never, never>][] = [];
  let programs: Programs | undefined;
  try {
    for (const [name, descriptor] of wanted)
      opened.push([name, BpfMap.openPinned(path.join(paths.maps, descriptor.name), descriptor as never)]);
    const taken = Object.fromEntries(opened) as unknown as DataPlaneMaps;
    programs = openPreloaded(paths, ingredientsOf(objectPath, features, taken));
    return programs && { maps: taken, ...programs };
  } finally {
    if (!programs) for (const [, map] of opened) map.close();
  }
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
  sizeMaps(object, features);
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
  return {
    maps: takeMaps(object, features),
    program: object.program('headrace_xdp'),
    renew: object.program('headrace_renew'),
    barriers: !hasCapability('CAP_PERFMON'),
  };
}

/** All maps that a loaded object has with these features; each a descriptor of its own. */
export function takeMaps(object: BpfObject, features: Features): DataPlaneMaps {
  const wanted = Object.entries(maps).filter(([name]) => isWanted(name, features));
  return Object.fromEntries(
    wanted.map(([name, descriptor]) => [name, object.map(descriptor as never)]),
  ) as DataPlaneMaps;
}

/**
 * Pins what is not pinned yet. The layout goes last: a start that was interrupted before it left pins that the next one
 * replaces.
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
}

/** Takes away the pins of maps that no feature needs any more. */
export function unpinOthers(opened: DataPlaneMaps, paths: InstancePaths): void {
  for (const [name, descriptor] of Object.entries(maps)) {
    const pin = path.join(paths.maps, descriptor.name);
    if (!(name in opened) && existsSync(pin)) unlinkSync(pin);
  }
}
