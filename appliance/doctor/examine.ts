/** Runs the checks over facts, and judges the whole. */
import { type Finding, verdictOrder } from './check.ts';
import { checks } from './checks/index.ts';
import type { Facts } from './facts.ts';

/** What needs doing first comes first; within a verdict, in the order of the checks. */
export function examine(facts: Facts): Finding[] {
  return checks
    .flatMap(({ name, why, examine: run }) => run(facts).map((result) => ({ check: name, why, ...result })))
    .sort((a, b) => verdictOrder.indexOf(a.verdict) - verdictOrder.indexOf(b.verdict));
}

/** 1 when something should be mended (warn, fail); notes and what could not be learned are no fault. */
export function exitStatus(findings: readonly Finding[]): 0 | 1 {
  return findings.some(({ verdict }) => verdict === 'warn' || verdict === 'fail') ? 1 : 0;
}
