/**
 * The same small Internet twice: in one the kernel forwards, in the other Headrace does. Names, addresses and routes are
 * the same, and so are the neighbor timers: the kernel's are set to those Headrace is configured with.
 *
 *     client c0 ── p0 box p1 ── s0 server        10.0.1.0/24 and 10.0.2.0/24
 *                         p2 ── t0 other         10.0.3.0/24
 *
 * The server and the other both have 10.40.0.1: where the box's route for 10.40.0.0/16 leads, there the traffic goes.
 */
import { type Headrace, type Host, headrace, type Lab } from '../library/index.ts';

export const target = '10.40.0.1';
export const viaServer = '10.40.0.0/16 via 10.0.2.2';
export const viaOther = '10.40.0.0/16 via 10.0.3.2';

export interface World {
  readonly side: 'kernel' | 'headrace';
  readonly client: Host;
  readonly box: Host;
  readonly server: Host;
  readonly other: Host;
  /** Of the world in which Headrace forwards. */
  readonly headrace?: Headrace;
}

export interface WorldOptions {
  readonly gro?: boolean;
  readonly dataplane?: object | undefined;
}

export async function buildWorld(lab: Lab, side: World['side'], options: WorldOptions): Promise<World> {
  const [client, box, server, other] = ['client', 'box', 'server', 'other'].map((name) =>
    lab.host(`${side[0]}${name}`),
  ) as [Host, Host, Host, Host];
  const gro = options.gro ?? true;
  lab.link(client, 'c0', box, 'p0', { gro });
  lab.link(box, 'p1', server, 's0', { gro });
  lab.link(box, 'p2', other, 't0', { gro });
  client.address('c0', '10.0.1.2/24');
  client.route('default via 10.0.1.1');
  server.address('s0', '10.0.2.2/24');
  server.route('default via 10.0.2.1');
  other.address('t0', '10.0.3.2/24');
  other.route('default via 10.0.3.1');
  for (const host of [server, other]) host.address('lo', `${target}/32`);
  ['p0', 'p1', 'p2'].forEach((port, i) => {
    box.address(port, `10.0.${i + 1}.1/24`);
    box.sysctl(`net.ipv4.neigh.${port}.base_reachable_time_ms`, 2000);
    box.sysctl(`net.ipv4.neigh.${port}.delay_first_probe_time`, 1);
  });
  box.forward();
  box.sysctl('net.ipv4.fib_multipath_hash_policy', 1);
  box.route(viaServer);
  const dataplane = { interfaces: [{ match: 'p*' }], ...options.dataplane };
  const daemon = side === 'headrace' ? { headrace: await headrace(box, { version: 1, dataplane }) } : {};
  // Everybody knows everybody before anything is counted.
  for (const destination of ['10.0.2.2', '10.0.3.2', target])
    client.exec(['ping', '-q', '-c', '2', '-i', '0.01', '-W', '5', destination]);
  return { side, client, box, server, other, ...daemon };
}
