/** `sflow`: samples of packets, and interface counters, for flow collectors. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { listenPattern } from './listen.ts';

export const sflowSchema = z.strictObject({
  collectors: z
    .array(z.string().regex(listenPattern, 'not ADDRESS:PORT or [ADDRESS]:PORT'))
    .min(1, 'name at least one collector, or leave sflow out')
    .max(8)
    .describe('Where sFlow version 5 datagrams go, as `ADDRESS:PORT`; 6343 is the usual port.'),
  sampling_rate: z
    .int()
    .min(1)
    .max(1 << 24)
    .default(1000)
    .describe('One packet in so many is sampled, at random. All interfaces share it.'),
  polling_seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(20)
    .describe("How often the interfaces' counters are sent, in seconds."),
  agent: z
    .string()
    .refine((text) => isIP(text) !== 0, 'not an IPv4 or IPv6 address')
    .optional()
    .describe(
      'The address this box is known by to collectors. Without it, the first global address of its interfaces, one of `lo` only if there is no other.',
    ),
});
