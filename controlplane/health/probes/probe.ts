/** What each kind of check gives to the monitor: one function from a destination to an outcome, which never rejects. */
import type { Outcome } from '../outcome.ts';

export interface Destination {
  readonly address: string;
  /** Of this box; the kernel's choice by default. */
  readonly localAddress?: string;
  /** The address as the server knows it, where that is another: for names it is asked by. */
  readonly host?: string;
}

export type Run = (to: Destination, timeoutMs: number) => Promise<Outcome>;
