/** Names of pools, backends and services, and the addresses they have. */
import { z } from 'zod';
import { formatIp, hasHostBits, parseIp, parsePrefix } from '../../../controlplane/netlink/ip-address.ts';

/** A name an operator gives: becomes a label of metrics and a word of the command line. */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'not a name: up to 63 letters, digits, "-", "_" and ".", and no sign first',
  );

export const addressSchema = z
  .string()
  .refine((text) => parseIp(text) !== undefined, 'not an IP address: write 192.0.2.1 or 2001:db8::1')
  .transform(canonical);

/** An address, or a prefix for all addresses in it. */
export const addressOrPrefixSchema = z
  .string()
  .refine((text) => {
    if (parseIp(text)) return true;
    const prefix = parsePrefix(text);
    return prefix !== undefined && prefix.prefixLength > 0 && !hasHostBits(prefix);
  }, 'not an IP address or prefix: write 198.51.100.10, or 198.51.100.64/28 with no bits set behind the length')
  .transform(canonical);

/** One spelling for each address, so that two ways to write one are seen to be one. */
function canonical(text: string): string {
  const [address = '', length] = text.split('/');
  const { bytes } = parseIp(address) ?? { bytes: undefined };
  if (!bytes) return text;
  const host = length === undefined || Number(length) === bytes.length * 8;
  return host ? formatIp(bytes) : `${formatIp(bytes)}/${length}`;
}

/** `FROM-TO`, as a pair of numbers. */
export const portRangeSchema = z
  .string()
  .regex(/^\d{1,5}-\d{1,5}$/, 'not a range of ports: write 20000-29999')
  .transform((text): [number, number] => {
    const [from = 0, to = 0] = text.split('-').map(Number);
    return [from, to];
  })
  .refine(([from, to]) => from >= 1 && from <= to && to <= 65535, 'a range is from 1 to 65535, the lower port first');

export const portSchema = z.int().min(1, 'a port is from 1 to 65535').max(65535, 'a port is from 1 to 65535');
