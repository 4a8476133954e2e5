/** `metrics`: the Prometheus exporter. */
import { z } from 'zod';
import { listenPattern } from './listen.ts';

export const metricsSchema = z.strictObject({
  listen: z
    .union([z.literal('off'), z.string().regex(listenPattern, 'not ADDRESS:PORT, [ADDRESS]:PORT or off')])
    .default('127.0.0.1:9469')
    .describe(
      'Where Prometheus finds `/metrics`, as `ADDRESS:PORT`, or `off`. There is no authentication: keep it local.',
    ),
});
