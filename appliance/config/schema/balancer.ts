/** `balancer`: what holds for all services. */
import { z } from 'zod';
import { ringSizes } from '../../../controlplane/balancer/maglev.ts';
import { parsePrefix } from '../../../controlplane/netlink/ip-address.ts';
import { addressOrPrefixSchema, addressSchema, portRangeSchema } from './names.ts';
import { count, duration } from './units.ts';

const silence = (standard: string, what: string) =>
  duration(1000, 30 * 86_400_000)
    .prefault(standard)
    .describe(what);

const checkPrefix = (family: 4 | 6, standard: string) =>
  addressOrPrefixSchema
    .refine((text) => {
      const prefix = parsePrefix(text);
      return prefix?.family === family && prefix.prefixLength <= (family === 4 ? 28 : 124);
    }, `not a prefix of IPv${family} with room for a dozen addresses: write ${standard}`)
    .default(standard)
    .describe(`IPv${family}: one address is taken for each VIP on each backend that is checked.`);

const natSchema = z.strictObject({
  idle: z
    .strictObject({
      syn_sent: silence('2m', 'The client asked for a connection.'),
      syn_recv: silence('1m', 'Its backend agreed.'),
      picked_up: silence('1m', 'It is older than what is remembered, and its backend has not answered it yet.'),
      established: silence('124m', 'It is established: RFC 5382 asks for no less.'),
      fin: silence('2m', 'One side has closed it.'),
      closed: silence('2m', 'Both sides have.'),
      reset: silence('10s', 'It was reset.'),
      udp: silence('30s', 'UDP: the client has not gone on since the first answer.'),
      udp_stream: silence('2m', 'UDP: it has. A service may say otherwise by `balance.udp_idle`.'),
    })
    .prefault({})
    .describe('A connection that is silent for this long is forgotten, by its state.'),
  ports: portRangeSchema
    .prefault('1024-32767')
    .describe(
      'Ports for connections that cannot keep their own: below those that this host takes for connections of its own (sysctl `net.ipv4.ip_local_port_range`).',
    ),
  strays: z
    .enum(['drop', 'route'])
    .default('drop')
    .describe(
      "What becomes of a packet from a backend's address and port that belongs to no connection: `route` lets clients talk to backends directly by this box as well, and lets out what a forgotten connection sends.",
    ),
});

export const balancerSchema = z.strictObject({
  strict: z
    .boolean()
    .default(false)
    .describe(
      'Refuse the whole file for one wrong service. Otherwise a wrong service or pool is set aside and reported, and the others are used; one that is running goes on as it was.',
    ),
  seed: z
    .int()
    .min(0)
    .max(0xffff_ffff)
    .default(0)
    .describe('Seed of all hashes. Nodes that share VIPs must have the same. Changing it breaks connections.'),
  table: z
    .union(ringSizes.map((size) => z.literal(size)))
    .default(16381)
    .describe('Slots of a ring, for services that name none in `balance.table`.'),
  settle: duration(1000, 86_400_000)
    .prefault('15m')
    .describe(
      'How long old connections of slots that change hands have to be heard of. One that is silent for longer may lose its backend.',
    ),
  idle: duration(10_000, 7 * 86_400_000)
    .prefault('1h')
    .describe('A remembered connection that is silent for this long is forgotten.'),
  remember: z
    .strictObject({
      syns: count(0, 10_000_000)
        .default(50_000)
        .describe('New connections remembered while slots settle, a second and CPU.'),
      others: count(0, 10_000_000).default(50_000).describe('Older connections remembered, a second and CPU.'),
    })
    .prefault({})
    .describe('What floods may take of the table of connections.'),
  answers: count(0, 1_000_000)
    .default(1000)
    .describe(
      'ICMP errors, echo replies and resets sent on behalf of VIPs, a second and CPU; and as many errors about sizes, which nothing else takes from.',
    ),
  source: z
    .strictObject({
      ipv4: addressSchema.optional().describe('For IPv4 backends.'),
      ipv6: addressSchema.optional().describe('For IPv6 backends.'),
    })
    .prefault({})
    .describe('Outer source of tunnels; by default the address the kernel would use towards the backend.'),
  check_addresses: z
    .strictObject({ ipv4: checkPrefix(4, '240.0.0.0/16'), ipv6: checkPrefix(6, 'fd68:6561:6472:6163::/112') })
    .prefault({})
    .describe(
      'Addresses that stand for VIPs on backends, for checks with `via: vip`. They never leave this box; take prefixes that the network does not use.',
    ),
  nat: natSchema.prefault({}).describe('What holds for all services in mode `nat`.'),
  blackhole_vips: z
    .boolean()
    .default(true)
    .describe(
      "Put a blackhole route for each VIP into the kernel's main table, so that what the packet path leaves to it is never routed on.",
    ),
});
