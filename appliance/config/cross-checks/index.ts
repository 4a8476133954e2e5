/** What no schema can say: whether the parts of a configuration go together. Each concern is a file of its own. */
import type { CheckedConfig } from '../schema/index.ts';
import { checkChecks } from './checks.ts';
import type { Finding } from './finding.ts';
import { checkServices } from './services.ts';

const checks: readonly ((config: CheckedConfig) => Finding[])[] = [checkServices, checkChecks];

export function crossChecks(config: CheckedConfig): Finding[] {
  return checks.flatMap((check) => check(config));
}
