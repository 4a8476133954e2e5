/** What the mirror tells of itself: plain data, handed from its thread to the main one once a second. */
import type { NextHopStatistics, TableStatistics } from '../fib/index.ts';
import type { RibStatistics } from '../rib/index.ts';
import type { SamplerCounters } from './sampler.ts';
import type { Side, Sides } from './side.ts';

export interface FamilyState {
  /** Packets get their answer from the tables. */
  readonly valid: boolean;
  /** Why not; undefined when valid. */
  readonly why: string | undefined;
  readonly routes: RibStatistics;
  readonly table: TableStatistics;
  /** Prefixes that changed and are not written yet. */
  readonly pending: number;
}

export interface MirrorState {
  readonly ipv4: FamilyState;
  readonly ipv6: FamilyState;
  readonly nextHops: NextHopStatistics;
  /** All tables shared with the packet path, in bytes. */
  readonly tableBytes: number;
  /** Memory of the worker beside the tables, in bytes. */
  readonly workerBytes: number;
  /** Readings of everything since the worker started, by cause. */
  readonly resyncs: Readonly<Record<string, number>>;
  readonly lastResync: Resync | undefined;
  /** Notifications the kernel dropped because the worker was too slow. */
  readonly overruns: number;
  /** Times the tables were not trusted because changes came faster than they were written. */
  readonly lagged: number;
  /** Milliseconds from a change's arrival to its being written: the longest of the last second. */
  readonly lagMs: number;
  /** The longest time the worker did not give way, of its whole life, in milliseconds. */
  readonly longestSliceMs: number;
  /** The same in CPU time. */
  readonly longestSliceCpuMs: number;
  readonly events: number;
  readonly sampler: SamplerCounters;
}

export interface Resync {
  readonly cause: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Reading the kernel's routes. */
  readonly dumpMs: number;
  /** Until the tables were valid, the reading included. */
  readonly totalMs: number;
  /** CPU time the thread used for it, that of the kernel's own dump included. */
  readonly cpuMs: number;
  readonly routes: number;
}

/** The mirror's answer for one address. */
export interface MirrorAnswer {
  /** The tables are trusted, and the answer is not "ask". */
  readonly answers: boolean;
  readonly why: string | undefined;
  readonly prefixLength: number | undefined;
  readonly ifindex: number | undefined;
  readonly gateway: Uint8Array | undefined;
  readonly destinationMac: Uint8Array | undefined;
  readonly sourceMac: Uint8Array | undefined;
  readonly mtu: number | undefined;
}

const noTable: TableStatistics = {
  prefixes: 0,
  groupsUsed: 0,
  groupsWaiting: 0,
  groupsCapacity: 0,
  listsUsed: 0,
  listsWaiting: 0,
  listsCapacity: 0,
  crowdedSlots: 0,
  tableBytes: 0,
  bookkeepingBytes: 0,
};

export function familyState(side: Side, why: string | undefined): FamilyState {
  return {
    valid: side.valid,
    why,
    routes: side.rib.statistics,
    table: side.table?.statistics ?? noTable,
    pending: side.rib.changed,
  };
}

/** What the thread holds beside the tables. Room that no route has used yet is no memory. */
export function workerBytes(sides: Sides): number {
  const { heapUsed } = process.memoryUsage();
  return sides.reduce(
    (sum, { rib, table }) => sum + rib.statistics.bytes + (table?.statistics.bookkeepingBytes ?? 0),
    heapUsed,
  );
}
