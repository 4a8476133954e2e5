/** `pools`: backends, by name, to be used by services. */
import { z } from 'zod';
import { checkSchema } from './checks.ts';
import { addressSchema, nameSchema, portSchema } from './names.ts';
import { duration } from './units.ts';

export const backendSchema = z.strictObject({
  address: addressSchema.describe('IP address of the real server.'),
  weight: z
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe(
      'Share of new connections, relative to the other backends of the pool. With 0 it gets no new ones and keeps those it has.',
    ),
  state: z
    .enum(['active', 'draining', 'maintenance'])
    .default('active')
    .describe(
      '`draining`: no new connections, those it has live on. `maintenance`: nothing is sent to it. `headrace backend` overrides it.',
    ),
  drain: duration(1000, 7 * 86_400_000)
    .optional()
    .describe('How long `draining` may last, from when it began; then it is in maintenance. For ever by default.'),
  port: portSchema
    .optional()
    .describe('With `forward.mode: nat`: the port it listens on; the one the client asked for by default.'),
  quic_server_id: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .optional()
    .describe('With `balance.udp: quic`: the server id in the connection ids it gives out, as a number.'),
  gue_port: portSchema.default(6080).describe('With `forward.mode: gue`: the UDP port its tunnel listens on.'),
});

export const poolSchema = z.strictObject({
  backends: z.record(nameSchema, backendSchema).describe('Real servers, by name.'),
  check: checkSchema.optional().describe('How its backends are checked; without it all count as up.'),
});

export const poolsSchema = z.record(nameSchema, poolSchema);
