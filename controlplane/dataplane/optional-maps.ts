/**
 * Maps that only a feature needs, by the constant that switches it on. While it is off they are neither kept nor pinned,
 * and cost next to no memory.
 */
import { maps } from '../bpf/generated/headrace.ts';
import { type BpfObject, possibleCpus } from '../bpf/index.ts';

export const optionalMaps = {
  lbTables: 'feature_balance',
  lbRanges: 'feature_balance',
  lbPrefixes: 'feature_balance',
  lbFlows: 'feature_balance',
  lbTracked: 'feature_balance',
  lbFragments: 'feature_balance',
  lbQuicIds: 'feature_balance',
  lbScratch: 'feature_balance',
  lbSettings: 'feature_balance',
  lbBudgets: 'feature_balance',
  lbTraffic: 'feature_balance',
  lbEvents: 'feature_balance',
  natFlows: 'feature_nat',
  natOpening: 'feature_nat',
  natFilter: 'feature_nat',
  natSources: 'feature_nat',
  natPools: 'feature_nat',
  natFragments: 'feature_nat',
  natIdle: 'feature_nat',
  natSettings: 'feature_nat',
  natScratch: 'feature_nat',
  natEvents: 'feature_nat',
  tapFilter: 'feature_tap',
  tapState: 'feature_tap',
  tapCountdown: 'feature_tap',
  tapCaptured: 'feature_tap',
  tapSampled: 'feature_tap',
  fibRoot4: 'feature_mirror',
  fibGroups4: 'feature_mirror',
  fibRoot6: 'feature_mirror',
  fibGroups6: 'feature_mirror',
  fibLists6: 'feature_mirror',
  fibNextHops: 'feature_mirror',
  fibTrust: 'feature_mirror',
} as const satisfies Partial<Record<keyof typeof maps, string>>;

export type OptionalMapName = keyof typeof optionalMaps;

/** Constants of the program, by name: `feature_counters: false`. What is not named has the object's own default. */
export type Features = Readonly<Record<string, boolean | number>>;

/** Is this map of the bindings wanted with these features? */
export function isWanted(map: string, features: Features): boolean {
  const feature = (optionalMaps as Readonly<Record<string, string>>)[map];
  return feature === undefined || Boolean(features[feature]);
}

/** Maps that have a value for each CPU. */
const byCpu: readonly (keyof typeof maps)[] = ['counters', 'lbTraffic'];

/**
 * Has an object make its maps as large as they are wanted: those by CPU for as many as there may be, those of features
 * that are off with a single entry. Before it is loaded.
 */
export function sizeMaps(object: BpfObject, features: Features): void {
  for (const [name, descriptor] of Object.entries(maps))
    if (!isWanted(name, features)) object.shrinkMap(descriptor.name);
  for (const name of byCpu) if (isWanted(name, features)) object.setMaxEntries(maps[name].name, possibleCpus());
}
