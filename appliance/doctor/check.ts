/** A check of the doctor: a pure function from facts to findings, one file each in checks/. */
import type { Facts } from './facts.ts';

/**
 * `ok`; `note`: works, worth knowing; `warn`: slower or less than it could be, or a risk; `fail`: does not work;
 * `unknown`: could not be learned, which is no judgement.
 */
export type Verdict = 'ok' | 'note' | 'warn' | 'fail' | 'unknown';

export interface Result {
  /** What it is about: an interface's name, or `system`. */
  readonly subject: string;
  readonly verdict: Verdict;
  /** What was found, in a sentence. */
  readonly says: string;
  /** The command that mends it. */
  readonly mend?: string;
}

export interface Check {
  readonly name: string;
  /** Why it matters, in a sentence or two. */
  readonly why: string;
  readonly examine: (facts: Facts) => readonly Result[];
}

export interface Finding extends Result {
  readonly check: string;
  readonly why: string;
}

/** The order findings are shown in: what needs doing first. */
export const verdictOrder: readonly Verdict[] = ['fail', 'warn', 'note', 'unknown', 'ok'];

export const system = 'system';

export function ok(subject: string, says: string): Result {
  return { subject, verdict: 'ok', says };
}

export function unknown(subject: string, says: string): Result {
  return { subject, verdict: 'unknown', says };
}

/** A sysctl as a number; undefined when it could not be read. */
export function sysctl(facts: Facts, name: string): number | undefined {
  const text = facts.sysctls[name];
  return text === null || text === undefined ? undefined : Number(text);
}

/** The command that sets a sysctl now. To keep it, it goes into a file in /etc/sysctl.d. */
export function setSysctl(name: string, value: number): string {
  return `sysctl -w ${name}=${value}`;
}
