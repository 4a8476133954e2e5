/**
 * The smallest Internet most stories need: a client and a server with a router between, both families addressed and
 * routed, neighbors resolved by the kernel as traffic comes.
 *
 *     client c0 ── p0 box p1 ── s0 server        10.0.1.0/24, fd00:1::/64  and  10.0.2.0/24, fd00:2::/64
 */
import type { Host } from './host.ts';
import type { Lab } from './lab.ts';

export interface RoutedPairOptions {
  /** GRO at the ends, so that the box's ports transmit XDP frames. Default true. */
  readonly gro?: boolean;
  /** MTU of the server's link, bytes. Default 1500. */
  readonly serverMtu?: number;
}

export interface RoutedPair {
  readonly client: Host;
  readonly box: Host;
  readonly server: Host;
}

/** Source and destination of traffic through a routed pair, by family. */
export const ends = {
  4: { source: '10.0.1.2', destination: '10.0.2.2' },
  6: { source: 'fd00:1::2', destination: 'fd00:2::2' },
} as const;

/** Builds the three hosts; the box forwards by the kernel until Headrace is started on it. */
export function routedPair(lab: Lab, options: RoutedPairOptions = {}): RoutedPair {
  const client = lab.host('client');
  const box = lab.host('box');
  const server = lab.host('server');
  const gro = options.gro ?? true;
  lab.link(client, 'c0', box, 'p0', { gro });
  joinServer(lab, box, server, options);
  client.address('c0', '10.0.1.2/24', 'fd00:1::2/64');
  box.address('p0', '10.0.1.1/24', 'fd00:1::1/64');
  client.route('default via 10.0.1.1');
  client.route('default via fd00:1::1');
  box.forward();
  return { client, box, server };
}

/** Lays the server's link and addresses its ends: once more after the link was deleted. */
export function joinServer(lab: Lab, box: Host, server: Host, options: RoutedPairOptions = {}): void {
  lab.link(box, 'p1', server, 's0', { gro: options.gro ?? true, mtu: options.serverMtu ?? 1500 });
  box.address('p1', '10.0.2.1/24', 'fd00:2::1/64');
  server.address('s0', '10.0.2.2/24', 'fd00:2::2/64');
  server.route('default via 10.0.2.1');
  server.route('default via fd00:2::1');
}

/** The least an operator writes, for ports named p*. */
export const minimalConfig = 'version: 1\ndataplane:\n  interfaces:\n    - match: "p*"\n';
