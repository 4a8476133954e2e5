/** Neighbors that forwarding depends on, kept resolved by the kernel. */
export { neighborsFile } from './file.ts';
export { type KeeperSettings, type KeptNeighbor, NeighborKeeper, type NeighborNews } from './keeper.ts';
export { type NamedInterface, releaseNeighbors } from './timers.ts';
