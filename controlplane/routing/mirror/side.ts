/** What the mirror keeps of one family. */
import type { RouteTable } from '../fib/index.ts';
import { type FibWriter, Rib } from '../rib/index.ts';

/** Routes there is room for in the hash tables from the start, and in the store before it must be copied. */
export const expectedRoutes = { 4: 1_500_000, 6: 380_000 } as const;
const roomForRoutes = { 4: 4_000_000, 6: 1_500_000 } as const;

export interface Side {
  readonly family: 4 | 6;
  readonly rib: Rib;
  /** The tables, while they are written. */
  table: RouteTable | undefined;
  writer: FibWriter | undefined;
  /** Why the family's rules keep the mirror out. */
  rule: string | undefined;
  /** Packets get their answer from the tables. */
  valid: boolean;
}

export type Sides = readonly [Side, Side];

export function newSides(): Sides {
  return [newSide(4), newSide(6)];
}

function newSide(family: 4 | 6): Side {
  const rib = new Rib(family === 4 ? 1 : 4, expectedRoutes[family], roomForRoutes[family]);
  return { family, rib, table: undefined, writer: undefined, rule: undefined, valid: false };
}

export function sideOf(sides: Sides, family: 4 | 6): Side {
  return sides[family === 4 ? 0 : 1];
}
