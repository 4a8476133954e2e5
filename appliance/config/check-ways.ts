/** Which service's way a check through the forwarding path takes. Pure. */
import { parseIp, parsePrefix } from '../../controlplane/netlink/ip-address.ts';
import type { CheckConfig } from './schema/checks.ts';
import type { CheckedConfig } from './schema/index.ts';

type Frontend = CheckedConfig['services'][string]['frontends'][number];

export interface Asked {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** The protocol and port a kind of check asks; undefined for those that have none. */
export const askedBy: Readonly<Record<string, 'tcp' | 'udp'>> = {
  tcp: 'tcp',
  http: 'tcp',
  https: 'tcp',
  dns: 'udp',
  udp: 'udp',
};

/** Every kind a pool is checked by that has a port. */
export function asked(check: CheckConfig): [kind: string, Asked][] {
  return Object.entries(askedBy).flatMap(([kind, protocol]) => {
    const said = check[kind as 'tcp' | 'http' | 'https' | 'dns' | 'udp'];
    return said ? [[kind, { protocol, port: said.port }] as [string, Asked]] : [];
  });
}

/** The first service of a pool that takes this port, and the VIP; undefined when there is none. */
export function wayOf(
  services: CheckedConfig['services'],
  pool: string,
  vip: string | undefined,
  ask: Asked,
): { readonly service: string; readonly vip: string } | undefined {
  for (const [service, { pool: answers, frontends }] of Object.entries(services)) {
    if (answers !== pool) continue;
    for (const frontend of frontends) {
      const found = takes(frontend, ask)
        ? frontend.vip.find((each) => (vip ? covers(each, vip) : parseIp(each)))
        : undefined;
      if (found) return { service, vip: vip ?? found };
    }
  }
  return undefined;
}

function takes(frontend: Frontend, { protocol, port }: Asked): boolean {
  const ports = frontend[protocol];
  if (frontend.any || ports === 'any') return true;
  return (ports ?? []).some((each) => {
    const [from = 0, to = from] = String(each).split('-').map(Number);
    return port >= from && port <= to;
  });
}

/** Is the address the VIP, or in the prefix that is one? */
function covers(vip: string, address: string): boolean {
  const one = parseIp(address);
  const prefix = parsePrefix(vip);
  if (!one || !prefix || one.family !== prefix.family) return vip === address;
  return one.bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, prefix.prefixLength - 8 * i));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === (prefix.bytes[i]! & mask);
  });
}
