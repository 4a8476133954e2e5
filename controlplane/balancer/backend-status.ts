/** A backend as operators see it: what it was told to be, what it is, and what is wrong with the way to it. */
import type { BackendView } from './backend-view.ts';
import type { BackendSpec } from './model.ts';
import type { NextHop } from './next-hops.ts';

/** A backend, all told. */
export interface BackendStatus {
  readonly pool: string;
  readonly spec: BackendSpec;
  readonly number: number;
  readonly view: BackendView;
  /** Why packets cannot be sent there as they should; empty when they can. */
  readonly unreachable: string;
  /** Milliseconds since 1970; 0: since the daemon started. */
  readonly changedAt: number;
  readonly changes: ReadonlyMap<string, number>;
}

/** What the modes of its pool's services ask of the way to a backend. */
export interface WayNeeds {
  /** `l2`: its own MAC address. */
  readonly ownSegment: boolean;
  /** `nat`: that its answers come back by the packet path. */
  readonly notLocal: boolean;
}

/** @returns why packets cannot be sent there, empty when they can */
export function unreachable(hop: NextHop | undefined, { ownSegment, notLocal }: WayNeeds): string {
  if (!hop) return 'not looked up yet';
  if (hop.local) return notLocal ? 'it is this host, whose answers mode nat would not see' : '';
  return ownSegment && hop.gateway ? 'it is behind a router, which mode l2 cannot pass' : hop.reason;
}
