/**
 * The sessions of all routing daemons of a machine. A daemon that does not run is no error, for most machines lack one;
 * who knows that it should be there is told why it is not. One that runs and does not answer is told of, beside the
 * sessions of the others.
 */
import { statSync } from 'node:fs';
import type { BgpSession } from './bgp-session.ts';
import { BirdClient } from './bird/client.ts';
import { FrrClient } from './frr/client.ts';

/** Where the daemons' sockets are. */
export interface DaemonSockets {
  /** BIRD's control socket. Default /run/bird/bird.ctl. */
  readonly bird?: string;
  /** FRR's bgpd. Default /run/frr/bgpd.vty. */
  readonly bgpd?: string;
}

export type RoutingDaemon = 'bird' | 'frr';

/** A daemon, and why it told nothing. */
export interface Silence {
  readonly daemon: RoutingDaemon;
  readonly message: string;
}

/** Sessions, and what kept a daemon from telling its own. */
export interface BgpOverview {
  readonly sessions: readonly BgpSession[];
  readonly errors: readonly Silence[];
  /** Those that answered, with sessions or without. */
  readonly answered: readonly RoutingDaemon[];
  /** Those that do not run. */
  readonly absent: readonly Silence[];
}

/** Ask BIRD and FRR for their sessions. Never rejects. */
export async function bgpSessions(sockets: DaemonSockets = {}): Promise<BgpOverview> {
  const { bird = '/run/bird/bird.ctl', bgpd = '/run/frr/bgpd.vty' } = sockets;
  const answers = await Promise.all([
    ask('bird', bird, async () => {
      using client = await BirdClient.connect(bird);
      return await client.bgpSessions();
    }),
    ask('frr', bgpd, async () => {
      using client = await FrrClient.connect(bgpd);
      return await client.bgpSessions();
    }),
  ]);
  return {
    sessions: answers.flatMap(({ sessions }) => sessions),
    errors: answers.flatMap(({ errors }) => errors),
    answered: answers.flatMap(({ answered }) => answered),
    absent: answers.flatMap(({ absent }) => absent),
  };
}

const nothing: BgpOverview = { sessions: [], errors: [], answered: [], absent: [] };

async function ask(daemon: RoutingDaemon, path: string, query: () => Promise<BgpSession[]>): Promise<BgpOverview> {
  try {
    // Most boxes lack one of the daemons, and are asked every few seconds all the same.
    if (!statSync(path, { throwIfNoEntry: false }))
      return { ...nothing, absent: [{ daemon, message: `it does not run: there is no ${path}` }] };
  } catch (error) {
    return { ...nothing, errors: [{ daemon, message: `open ${path}: ${reason(error)}` }] };
  }
  try {
    return { ...nothing, sessions: await query(), answered: [daemon] };
  } catch (error) {
    // A socket left behind by a daemon that has gone.
    if (/ECONNREFUSED|ENOENT/.test(reason(error)))
      return { ...nothing, absent: [{ daemon, message: `it does not run: nobody listens at ${path}` }] };
    return { ...nothing, errors: [{ daemon, message: reason(error) }] };
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
