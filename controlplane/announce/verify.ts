/**
 * Did the VIPs get out? Asks the routing daemon, whose word counts: does it have the route, and to which neighbors does
 * it give it. Its configuration is never touched.
 *
 * Every question is about one VIP, so a daemon with a full table is not made to list it.
 */
import { matchesGlob } from '../ports/glob.ts';
import type { BgpSession } from '../routing/bgp-session.ts';
import { BirdClient } from '../routing/bird/index.ts';
import { FrrClient } from '../routing/frr/index.ts';

export interface VerifySettings {
  readonly daemon: 'bird' | 'frr';
  /** BIRD's control socket, or the vty socket of FRR's bgpd. */
  readonly socket: string;
  /** Pattern of the sessions that matter: BIRD's names of protocols, FRR's addresses of neighbors. */
  readonly sessions: string;
}

export interface VipVerification {
  /** The daemon has the route. */
  readonly learned: boolean;
  /** Sessions it is given to. */
  readonly peers: readonly string[];
}

export interface Verification {
  readonly daemon: 'bird' | 'frr';
  readonly sessions: readonly { readonly name: string; readonly established: boolean }[];
  readonly vips: ReadonlyMap<string, VipVerification>;
}

/** @param vips as prefixes. @throws DaemonError */
export async function verifyAnnouncements(settings: VerifySettings, vips: readonly string[]): Promise<Verification> {
  return settings.daemon === 'bird' ? await askBird(settings, vips) : await askFrr(settings, vips);
}

async function askBird({ socket, sessions: pattern }: VerifySettings, vips: readonly string[]): Promise<Verification> {
  using client = await BirdClient.connect(socket);
  const sessions = (await client.bgpSessions()).filter(({ name }) => matchesGlob(pattern, name));
  const answers = new Map<string, VipVerification>();
  for (const vip of vips) {
    const learned = (await client.routes({ for: vip })).some(({ network }) => network === vip);
    const peers: string[] = [];
    if (learned)
      for (const session of sessions)
        if (
          carries(session, vip) &&
          (await client.routes({ for: vip, exportedTo: session.name })).some(({ network }) => network === vip)
        )
          peers.push(session.name);
    answers.set(vip, { learned, peers });
  }
  return { daemon: 'bird', sessions: sessions.map(shown), vips: answers };
}

async function askFrr({ socket, sessions: pattern }: VerifySettings, vips: readonly string[]): Promise<Verification> {
  using client = await FrrClient.connect(socket);
  const sessions = (await client.bgpSessions()).filter(
    ({ name, vrf }) => vrf === undefined && matchesGlob(pattern, name),
  );
  const established = new Set(sessions.filter(({ state }) => state === 'established').map(({ name }) => name));
  const answers = new Map<string, VipVerification>();
  for (const vip of vips) {
    const advertised = await client.advertisedTo(vip);
    answers.set(vip, {
      learned: advertised !== undefined,
      peers: (advertised ?? []).filter((peer) => established.has(peer)),
    });
  }
  return { daemon: 'frr', sessions: sessions.map(shown), vips: answers };
}

function shown({ name, state }: BgpSession): { name: string; established: boolean } {
  return { name, established: state === 'established' };
}

/** Whether an established session has a channel of the VIP's family. */
function carries({ state, families }: BgpSession, vip: string): boolean {
  return state === 'established' && families.some(({ family }) => family === (vip.includes(':') ? 'ipv6' : 'ipv4'));
}
