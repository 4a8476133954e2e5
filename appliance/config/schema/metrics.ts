/** `metrics`: the Prometheus exporter. */
import { z } from 'zod';
import type { CompatName } from '../../../monitoring/compat/index.ts';
import { hostNames, listenPattern } from './listen.ts';

/** Exporters whose names there can be, as monitoring/compat has them. */
const compatNames = ['bird', 'frr', 'ipvs'] as const satisfies readonly CompatName[];

export const metricsSchema = z.strictObject({
  listen: z
    .union([z.literal('off'), z.string().regex(listenPattern, 'not ADDRESS:PORT, [ADDRESS]:PORT or off')])
    .default('127.0.0.1:9469')
    .describe(
      'Where Prometheus finds `/metrics`, as `ADDRESS:PORT`, or `off`. There is no authentication: keep it local.',
    ),
  names: hostNames.describe(
    'Host names Prometheus scrapes by, besides addresses and `localhost`; other names are refused. While there is none, any is taken if `listen` is not a loopback address.',
  ),
  backends: z
    .enum(['full', 'off'])
    .default('full')
    .describe(
      '`off` leaves out the series of single backends, which are most there are: some twenty for each. Services are told of all the same.',
    ),
  compat: z
    .array(z.enum(compatNames))
    .default([])
    .describe(
      'Names of other exporters at `/metrics/compat`, for dashboards made for them: bird_exporter, frr_exporter, and IPVS of node_exporter.',
    ),
});
