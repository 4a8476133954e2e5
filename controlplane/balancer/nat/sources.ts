/** Where replies come from: what a packet's source must be to belong to a service that translates. Pure. */
import { mappedAddress } from '../bytes.ts';
import type { BalancerSpec } from '../model.ts';

export interface NatSource {
  /** 16 bytes. */
  readonly address: Uint8Array;
  /** Text, for comparing. */
  readonly text: string;
  readonly port: number;
  readonly protocol: number;
}

const numbers = { tcp: 6, udp: 17 } as const;

/**
 * Every address and port that a backend of such a service answers from. Of services with ranges of ports, or all of
 * them, whose backends have no port of their own, there is the address alone (port 0): what comes from there and belongs
 * to no connection may as well be the backend's own business.
 */
export function natSources(spec: BalancerSpec): NatSource[] {
  const found = new Map<string, NatSource>();
  for (const service of spec.services) {
    if (service.mode !== 'nat') continue;
    const pool = spec.pools.find(({ name }) => name === service.pool);
    for (const backend of pool?.backends ?? [])
      for (const { protocol, fromPort, toPort } of service.frontends)
        for (const each of protocol === 'any' ? (['tcp', 'udp'] as const) : [protocol]) {
          const single = protocol !== 'any' && fromPort === toPort ? fromPort : 0;
          const port = backend.port === 0 ? single : backend.port;
          const key = `${backend.address} ${port} ${each}`;
          if (!found.has(key))
            found.set(key, {
              address: mappedAddress(backend.address),
              text: backend.address,
              port,
              protocol: numbers[each],
            });
        }
  }
  return [...found.values()];
}
