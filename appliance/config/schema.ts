/**
 * The configuration file's shape: one definition for checking, for the JSON Schema editors complete from, and for the
 * reference in docs/. What is not named here is an error, so that a typing mistake never is a silent default.
 */
import { z } from 'zod';

/** ADDRESS:PORT or [ADDRESS]:PORT. */
const listenPattern = /^(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/;

const interfaceSchema = z.strictObject({
  match: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\s/]+$/, 'not an interface name or pattern: no blanks and no slashes')
    .describe(
      'Name of an interface, or a pattern: `*` for any run of characters, `?` for one. Interfaces that appear later are attached when they appear; a plain name must exist at the first start.',
    ),
});

const dataplaneSchema = z.strictObject({
  interfaces: z
    .array(interfaceSchema)
    .min(1, 'name at least one interface')
    .describe('Interfaces whose incoming packets take the fast path.'),
  allow_generic: z
    .boolean()
    .default(false)
    .describe(
      'Attach in generic mode where the driver has no native XDP. Works on any interface, and is no faster than the kernel.',
    ),
});

const metricsSchema = z.strictObject({
  listen: z
    .union([z.literal('off'), z.string().regex(listenPattern, 'not ADDRESS:PORT, [ADDRESS]:PORT or off')])
    .default('127.0.0.1:9469')
    .describe(
      'Where Prometheus finds `/metrics`, as `ADDRESS:PORT`, or `off`. There is no authentication: keep it local.',
    ),
});

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
