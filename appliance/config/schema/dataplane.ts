/** `dataplane`: what runs in the driver. */
import { z } from 'zod';

const netfilterSchema = z.enum(['detect', 'bypass']);

const interfaceSchema = z.strictObject({
  match: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^\s/]+$/, 'not an interface name or pattern: no blanks and no slashes')
    .describe(
      'Name of an interface, or a pattern: `*` for any run of characters, `?` for one. Interfaces that appear later are attached when they appear; a plain name must exist at the first start.',
    ),
  netfilter: netfilterSchema
    .optional()
    .describe('As `dataplane.netfilter`, for the interfaces of this entry only; it wins there.'),
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
  netfilter: netfilterSchema
    .default('detect')
    .describe(
      '`detect`: packets that rules of yours would meet in the kernel (nftables, iptables, NAT, traffic control, IPsec, `ip rule` by mark, VRFs) are left to it. `bypass`: the fast path forwards them past those rules.',
    ),
  on_daemon_loss: z
    .enum(['keep', 'kernel'])
    .default('keep')
    .describe(
      'When the daemon is gone for some seconds and rules of yours may change unnoticed: `keep` forwarding as it was, or leave everything to the `kernel` until it is back.',
    ),
});
