/**
 * Do the ports that stand for clients collide with those of this host's own connections?
 *
 * Both are seen by backends as the same address. A reply to a check of ours would be taken for one to a client, or the
 * other way round; so the ranges must be apart where the address is shared.
 */
import { readFileSync } from 'node:fs';
import type { BalancerSpec } from '../model.ts';

const FILE = '/proc/sys/net/ipv4/ip_local_port_range';

/** Ports that the kernel gives to connections of this host; undefined when it does not say. */
export function localPorts(): readonly [first: number, last: number] | undefined {
  try {
    const [first = Number.NaN, last = Number.NaN] = readFileSync(FILE, 'utf8').trim().split(/\s+/).map(Number);
    return Number.isInteger(first) && Number.isInteger(last) ? [first, last] : undefined;
  } catch {
    return undefined;
  }
}

/** Services seen by this host's own address and by ports that may be its own too, with what to do; for people. */
export function collisions(spec: BalancerSpec, local: readonly [number, number] | undefined): string[] {
  if (!local) return [];
  const [first, last] = local;
  return spec.services.flatMap(({ name, mode, snat }) => {
    if (mode !== 'nat' || !snat || snat.addresses.length > 0) return [];
    const [from, to] = snat.ports ?? spec.settings.nat.ports;
    if (to < first || from > last) return [];
    return [
      `service ${name} is seen by ports ${from}-${to} of this host, which takes ${first}-${last} for its own connections: ` +
        'make them apart by ports or addresses of forward.snat, by balancer.nat.ports, or by sysctl net.ipv4.ip_local_port_range',
    ];
  });
}
