/** The route tables of the packet path, written by one thread without system calls and read by every packet. */
export { BuildingGrace, type Grace, timedGrace } from './grace.ts';
export { ask, hopEntry, isGroup, lengthOf, numberOf } from './layout.ts';
export { ListMemory } from './list-memory.ts';
export { ListTable } from './list-table.ts';
export { type NextHopStatistics, NextHopTable, type ResolvedHop } from './next-hop-table.ts';
export { maskedWord, PrefixTable, PrefixWalk, valueLimit } from './prefix-table.ts';
export type { RouteTable, TableStatistics } from './route-table.ts';
export { SlotMemory } from './slot-memory.ts';
export { StrideTable } from './stride-table.ts';
