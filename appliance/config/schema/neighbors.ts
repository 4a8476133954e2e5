/** `neighbors`: next hops, kept resolved. */
import { z } from 'zod';
import { duration } from './units.ts';

export const neighborsSchema = z.strictObject({
  keep: z
    .boolean()
    .default(true)
    .describe(
      'Have the kernel keep gateways, and hosts of attached networks that are in use, resolved (managed neighbors). Without it, a next hop that changes its MAC address or dies is not noticed while all its packets take the fast path.',
    ),
  reachable: duration(100, 3_600_000)
    .prefault('2s')
    .describe(
      "How long an answer is believed: the kernel's base_reachable_time of the interfaces, while they are ours.",
    ),
  delay: duration(100, 60_000)
    .prefault('1s')
    .describe("How long to wait for a sign of life before asking: the kernel's delay_first_probe_time."),
  probe_interval: duration(100, 3_600_000)
    .prefault('2s')
    .describe("How often a kept neighbor is looked at: the kernel's interval_probe_time_ms."),
  limit: z.int().min(1).max(65_536).default(1024).describe('Most neighbors that are kept resolved, gateways first.'),
  unresolved_per_second: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe(
      'Packets to neighbors that are not resolved which each interface may hand to the kernel in a second; the surplus is dropped (`no_neighbor_limited`). 0: no limit.',
    ),
});
