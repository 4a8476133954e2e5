/**
 * The configuration file's shape: one definition for checking, for the JSON Schema editors complete from, and for the
 * reference in docs/. Each section is a file of its own. What is not named here is an error, so that a typing mistake
 * never is a silent default.
 */
import { z } from 'zod';
import { dataplaneSchema } from './dataplane.ts';
import { metricsSchema } from './metrics.ts';

export const configSchema = z
  .strictObject({
    version: z.literal(1).describe('Version of this format. Always 1.'),
    instance: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/, 'not a name: up to 32 letters, digits, "-", "_" and "."')
      .default('default')
      .describe('Name of this box when several run on one machine; `--instance` wins.'),
    dataplane: dataplaneSchema.describe('What runs in the driver.'),
    metrics: metricsSchema.prefault({}).describe('The Prometheus exporter.'),
  })
  .describe('Headrace configuration');

/** A checked configuration, with every default filled in. */
export type Config = z.output<typeof configSchema>;

/** The schema as JSON Schema (2020-12), of what a person writes: defaults may be left out. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    $id: 'https://headrace.invalid/schema/config-1.json',
    title: 'Headrace configuration',
    ...z.toJSONSchema(configSchema, { io: 'input' }),
  };
}
