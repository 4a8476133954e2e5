/** `services`: what clients connect to, and which pool answers. */
import { z } from 'zod';
import { ringSizes } from '../../../controlplane/balancer/maglev.ts';
import { addressOrPrefixSchema, addressSchema, nameSchema, portRangeSchema, portSchema } from './names.ts';
import { duration, percent } from './units.ts';

/** One port, or FROM-TO. */
const portsSchema = z.union([
  portSchema,
  z
    .string()
    .regex(/^\d{1,5}-\d{1,5}$/, 'not a port or a range: write 443 or 8000-8999')
    .refine((text) => {
      const [from = 0, to = 0] = text.split('-').map(Number);
      return from >= 1 && from <= to && to <= 65535;
    }, 'a range is from 1 to 65535, the lower port first'),
]);
const portListSchema = z.union([
  z.literal('any'),
  portsSchema.transform((port) => [port]),
  z.array(portsSchema).min(1, 'name at least one port'),
]);

const frontendSchema = z
  .strictObject({
    vip: z
      .union([
        addressOrPrefixSchema.transform((vip) => [vip]),
        z.array(addressOrPrefixSchema).min(1, 'name at least one address'),
      ])
      .describe('Addresses clients connect to, or prefixes for every address in them.'),
    tcp: portListSchema.optional().describe('TCP ports: numbers, ranges such as `8000-8999`, or `any`.'),
    udp: portListSchema.optional().describe('UDP ports, as for `tcp`.'),
    any: z.boolean().default(false).describe('Everything to these addresses that no other service takes.'),
  })
  .refine(({ tcp, udp, any }) => tcp !== undefined || udp !== undefined || any, 'has no ports: give tcp, udp or any');

const refusal = z.enum(['drop', 'reset', 'icmp']);

const snatSchema = z.strictObject({
  addresses: z
    .array(addressSchema)
    .max(8)
    .default([])
    .describe('Addresses to be seen by, up to eight, that the network routes to this box. None: its own.'),
  ports: portRangeSchema
    .optional()
    .describe('Ports to be seen by, as in `20000-29999`; those of `balancer.nat` by default.'),
});

const forwardSchema = z.strictObject({
  mode: z
    .enum(['l2', 'ipip', 'gue', 'nat'])
    .default('ipip')
    .describe(
      '`l2`: the frame goes to the backend with its MAC address, which needs no tunnel and one layer-2 segment. `ipip`, `gue`: in a tunnel, answers go directly to the client. `nat`: the destination is rewritten, answers come back this way.',
    ),
  entropy_bits: z
    .int()
    .min(0)
    .max(32)
    .default(0)
    .describe(
      'With `ipip`: this many low bits of the outer source address come from the flow, so that queues and paths share the load. Networks that filter sources drop such packets, unless `balancer.source` is in a prefix of yours that large.',
    ),
  snat: z
    .union([z.boolean(), snatSchema])
    .default(false)
    .describe(
      'With `nat`: backends see this box as the client, by its own address towards them (or `balancer.source`), so that their answers come back this way whatever their routes. An object says which addresses and ports it takes.',
    ),
  mss: z
    .int()
    .min(536)
    .max(9000)
    .optional()
    .describe(
      "Lower the MSS of clients' SYNs to this, and with `nat` of backends' SYNs too. A client's limits what its backend sends. What the client sends, through a tunnel, is limited by the backend's own (`advmss` of its route), or by the size that errors name.",
    ),
});

const quicSchema = z.strictObject({
  cid_length: z.int().min(1).max(20).describe('Bytes of the connection ids the servers give out.'),
  server_id_offset: z
    .int()
    .min(0)
    .max(19)
    .default(1)
    .describe(
      'Where the server id begins in them. With an octet before it, ids whose first octet is 0xe0 or more name no server, as QUIC-LB has it.',
    ),
  server_id_length: z.int().min(1).max(4).describe('Bytes of the server id.'),
});

const balanceSchema = z.strictObject({
  table: z
    .union(ringSizes.map((size) => z.literal(size)))
    .optional()
    .describe(
      `Slots of the ring, a prime: ${ringSizes.join(', ')}. At least a hundred for each backend. Changing it breaks connections.`,
    ),
  affinity: z
    .enum(['none', 'client_ip'])
    .default('none')
    .describe('`client_ip`: all connections of a client address go to one backend.'),
  udp: z
    .enum(['hash', 'tracked', 'quic'])
    .default('hash')
    .describe(
      '`hash`: a change of the pool moves its share of the flows at once. `tracked`: each flow is remembered. `quic`: by the server id in the connection id, and by hash while there is none.',
    ),
  udp_idle: duration(1000, 86_400_000)
    .optional()
    .describe('After this silence a tracked or translated flow is forgotten.'),
  quic: quicSchema.optional().describe('With `udp: quic`: what the connection ids look like.'),
});

const quorumSchema = z
  .strictObject({
    up: percent().prefault('50%').describe('The service goes up when this share of its weight can take connections.'),
    down: percent().prefault('25%').describe('It goes down when less than this share can.'),
  })
  .refine(({ up, down }) => down <= up, 'down must not be above up');

export const serviceSchema = z.strictObject({
  frontends: z.array(frontendSchema).min(1, 'name at least one frontend').describe('Addresses and ports.'),
  pool: nameSchema.describe('The pool that answers.'),
  forward: forwardSchema.prefault({}).describe('How packets reach a backend.'),
  balance: balanceSchema.prefault({}).describe('Which backend gets which connection.'),
  quorum: quorumSchema.prefault({}).describe('When the service counts as up.'),
  icmp_echo: z
    .enum(['always', 'when_healthy', 'never'])
    .default('when_healthy')
    .describe('Answer pings to the VIP. When several services share one, the first that names it decides.'),
  fragments: z
    .enum(['drop', 'hash3', 'track'])
    .default('drop')
    .describe(
      '`hash3`: every packet is hashed by addresses and protocol alone, so that fragments follow; one service of a VIP and protocol at most. `track`: the first fragment is remembered, and those that come before it are dropped.',
    ),
  no_backend: refusal.default('drop').describe('Answer to packets no backend can have: silence, a TCP reset or ICMP.'),
  no_service: refusal.default('drop').describe('Answer to packets for a port of the VIP that no service has.'),
});

export const servicesSchema = z.record(nameSchema, serviceSchema);
