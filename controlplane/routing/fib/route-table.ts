/** What writers ask of a family's table, whatever its shape. */
import type { ListTable } from './list-table.ts';
import type { StrideTable } from './stride-table.ts';

export type RouteTable = Pick<StrideTable & ListTable, 'set' | 'delete' | 'lookup' | 'get' | 'repair' | 'statistics'>;
