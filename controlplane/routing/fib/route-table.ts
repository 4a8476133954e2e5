/** What writers ask of a family's table, whatever its shape. */
import type { ListTable } from './list-table.ts';
import type { StrideTable } from './stride-table.ts';

export type RouteTable = Pick<
  StrideTable & ListTable,
  'set' | 'build' | 'delete' | 'lookup' | 'get' | 'warm' | 'repair' | 'reset' | 'unfinished' | 'proceed' | 'statistics'
>;

/** How full a table is. */
export interface TableStatistics {
  readonly prefixes: number;
  readonly groupsUsed: number;
  /** Given back, not yet to be used again. */
  readonly groupsWaiting: number;
  readonly groupsCapacity: number;
  readonly listsUsed: number;
  readonly listsWaiting: number;
  readonly listsCapacity: number;
  /** Slots that say "ask" because no group was free. */
  readonly crowdedSlots: number;
  /** Tables shared with the packet path, in bytes. */
  readonly tableBytes: number;
  /** What the writer keeps beside, in bytes. */
  readonly bookkeepingBytes: number;
}
