/** What each kind of check gives to the monitor: one function from an address to an outcome, which never rejects. */
import type { Outcome } from '../outcome.ts';

export type Run = (address: string, timeoutMs: number) => Promise<Outcome>;
