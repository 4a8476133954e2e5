/** `dataplane`: what runs in the driver. */
import { z } from 'zod';

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

export const dataplaneSchema = z.strictObject({
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
