/** The pinned packet path: opening, adopting, attaching, counting, removing. */
export type { CounterRow, PathRow } from './counters.ts';
export {
  DataPlane,
  type PinnedLink,
  pinnedCounters,
  pinnedLinks,
  removeInstance,
} from './data-plane.ts';
export { type DataPlaneMaps, takeMaps } from './loading.ts';
export { type LossRow, lossCauses, preloadLosses } from './losses.ts';
export { type Features, isWanted, sizeMaps } from './optional-maps.ts';
export { type InstancePaths, instancePaths } from './pins.ts';
