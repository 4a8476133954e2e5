/**
 * The configuration file's shape: one definition for checking, for the JSON Schema editors complete from, and for the
 * reference in docs/. Each section is a file of its own. What is not named here is an error, so that a typing mistake
 * never is a silent default.
 */
import { z } from 'zod';
import type { Problem } from '../problem.ts';
import { announceSchema } from './announce.ts';
import { balancerSchema } from './balancer.ts';
import { daemonsSchema } from './daemons.ts';
import { dataplaneSchema } from './dataplane.ts';
import { metricsSchema } from './metrics.ts';
import { neighborsSchema } from './neighbors.ts';
import { poolsSchema } from './pools.ts';
import { routerSchema } from './router.ts';
import { servicesSchema } from './services.ts';
import { sflowSchema } from './sflow.ts';
import { webSchema } from './web.ts';

export const configSchema = z
  .strictObject({
    version: z.literal(1).describe('Version of this format. Always 1.'),
    instance: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/, 'not a name: up to 32 letters, digits, "-", "_" and "."')
      .default('default')
      .describe('Name of this box when several run on one machine; `--instance` wins.'),
    dataplane: dataplaneSchema.describe('What runs in the driver.'),
    pools: poolsSchema.default({}).describe('Backends of the load balancer, by the name of their pool.'),
    services: servicesSchema.default({}).describe('Services of the load balancer, by name.'),
    balancer: balancerSchema.prefault({}).describe('What holds for all services.'),
    announce: announceSchema.optional().describe('Announcing VIPs to BIRD or FRR; without it none is announced.'),
    router: routerSchema.prefault({}).describe('How packets are routed.'),
    neighbors: neighborsSchema.prefault({}).describe('Next hops, kept resolved.'),
    metrics: metricsSchema.prefault({}).describe('The Prometheus exporter.'),
    sflow: sflowSchema.optional().describe('Samples of packets for flow collectors. Left out: none are taken.'),
    web: webSchema.prefault({}).describe('The live page and its API.'),
    daemons: daemonsSchema.prefault({}).describe('The routing daemons on this box.'),
  })
  .describe('Headrace configuration');

/** What the file says, with every default filled in. */
export type CheckedConfig = z.output<typeof configSchema>;

/** A checked configuration, and what is to be known about it. */
export interface Config extends CheckedConfig {
  /** Services and pools left out because they are wrong; `path` starts with `services.NAME` or `pools.NAME`. */
  readonly setAside: readonly Problem[];
  /** What is right and may not be meant. */
  readonly warnings: readonly Problem[];
}

/** The schema as JSON Schema (2020-12), of what a person writes: defaults may be left out. */
export function configJsonSchema(): Record<string, unknown> {
  return {
    $id: 'https://headrace.invalid/schema/config-1.json',
    title: 'Headrace configuration',
    ...z.toJSONSchema(configSchema, { io: 'input' }),
  };
}
