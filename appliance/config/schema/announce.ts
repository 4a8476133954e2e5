/** `announce`: VIPs for BIRD and FRR. */
import { z } from 'zod';
import { protocolOwner } from '../../../controlplane/announce/index.ts';
import { duration } from './units.ts';

const metric = z.int().min(1).max(0xffff_fffe);

export const announceSchema = z
  .strictObject({
    table: z
      .int()
      .min(1)
      .max(252, 'at most 252: FRR can import no other table')
      .default(231)
      .describe('Kernel table the routes are put into. No rule selects it: it is only read by the routing daemon.'),
    protocol: z
      .int()
      .min(5)
      .max(255)
      .refine(
        (number) => protocolOwner(number) === undefined,
        'this number belongs to a routing daemon: choose another',
      )
      .default(201)
      .describe("The routes' protocol number, which marks them as Headrace's. It deletes those it does not want."),
    metric: metric.default(100).describe('Metric of a route.'),
    require: z
      .enum(['all', 'any'])
      .default('all')
      .describe('Of several services on a VIP, whether all must be up or one is enough.'),
    startup_hold: duration(0, 3_600_000)
      .prefault('5s')
      .describe('Nothing new is announced for so long after the start.'),
    on_exit: z
      .enum(['keep', 'withdraw'])
      .default('keep')
      .describe(
        'When the daemon ends, however it ends: `keep` the routes, for packets go on, or `withdraw` them (needs /dev/net/tun).',
      ),
    depreference: z
      .strictObject({
        metric: metric.default(200).describe('Metric of a route while it is drained.'),
        before_withdraw: duration(0, 86_400_000).prefault('30s').describe('For so long; then the route goes.'),
      })
      .prefault({})
      .describe('`headrace announcements drain`: neighbors are told to prefer others before the VIP is withdrawn.'),
    verify: z
      .strictObject({
        daemon: z
          .enum(['bird', 'frr'])
          .describe('The routing daemon. Routes are changed in the order that suits it, too.'),
        socket: z
          .string()
          .min(1)
          .optional()
          .describe('Its socket; `/run/bird/bird.ctl` or `/run/frr/bgpd.vty` by default.'),
        sessions: z
          .string()
          .min(1)
          .default('*')
          .describe("Pattern of the BGP sessions that matter: BIRD's protocol names, FRR's neighbor addresses."),
      })
      .optional()
      .describe('Ask the routing daemon whether VIPs got out.'),
  })
  .refine(({ metric: normal, depreference }) => depreference.metric > normal, {
    message: 'depreference.metric must be above metric: a higher one is worse',
    path: ['depreference', 'metric'],
  });

export type AnnounceConfig = z.output<typeof announceSchema>;
