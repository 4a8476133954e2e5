/** Writes docs/reference, dashboards and rules from the definitions the program itself uses: `node --import tsx appliance/cli/reference.ts`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dashboardFiles } from '../../monitoring/dashboards/index.ts';
import { eventsReference } from '../../monitoring/events/index.ts';
import { metricsReference } from '../../monitoring/index.ts';
import { ruleFiles } from '../../monitoring/rules/files.ts';
import { configJsonSchema, configReference } from '../config/index.ts';
import { doctorReference } from '../doctor/index.ts';
import { cliReference } from './program.ts';

/** Generated pages by their path from the root of the repository. */
export const references: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/cli.md': cliReference,
  'docs/reference/config.md': configReference,
  'docs/reference/config.schema.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/reference/doctor.md': doctorReference,
  'docs/reference/events.md': eventsReference,
  'docs/reference/metrics.md': metricsReference,
  ...dashboardFiles,
  ...ruleFiles,
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [file, make] of Object.entries(references)) writeFileSync(file, await make());
