/** What of the operator's rules the fast path would skip, and whom that concerns. */
export { type Claim, claimsOf } from './concerned.ts';
export type { Cause, Finding } from './finding.ts';
export { Firewall } from './firewall.ts';
