/** `headrace doctor`: looks at everything a fast and right router depends on, and changes nothing. */
export { examine, exitStatus } from './examine.ts';
export type { Facts } from './facts.ts';
export { gather } from './gather/index.ts';
export { doctorReference } from './reference.ts';
export { report } from './report.ts';
