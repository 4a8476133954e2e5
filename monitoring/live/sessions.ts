/** BGP sessions for the snapshot, and what changed between two looks at them. */
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import type { LiveSession, State } from './snapshot.ts';

export function sessionsOf(sessions: readonly BgpSession[]): Record<string, LiveSession> {
  return Object.fromEntries(sessions.map((session) => [keyOf(session), sessionOf(session)]));
}

export function keyOf({ daemon, vrf, name }: BgpSession): string {
  return vrf === undefined ? `${daemon} ${name}` : `${daemon} ${vrf} ${name}`;
}

function sessionOf(session: BgpSession): LiveSession {
  const note = session.state === 'established' ? session.description : (session.lastError ?? session.description);
  return {
    daemon: session.daemon,
    name: session.vrf === undefined ? session.name : `${session.name} (VRF ${session.vrf})`,
    neighbor: session.neighbor,
    ...(session.neighborAs === undefined ? {} : { as: session.neighborAs }),
    state: session.state,
    tone: toneOf(session),
    ...(session.since === undefined ? {} : { since: session.since }),
    routes: session.families
      .map(({ family, imported, exported }) => `${family} ${imported ?? '?'} in, ${exported ?? '?'} out`)
      .join('; '),
    ...(note ? { note } : {}),
  };
}

function toneOf({ state }: BgpSession): State {
  if (state === 'established') return 'good';
  return state === 'down' ? 'neutral' : 'bad';
}

export interface SessionChange {
  readonly session: BgpSession;
  readonly established: boolean;
}

/** Sessions that became established or ceased to be, or to exist; one that is new and not established yet is no change. */
export function sessionChanges(before: readonly BgpSession[], after: readonly BgpSession[]): SessionChange[] {
  const former = new Map(before.map((session) => [keyOf(session), session.state === 'established']));
  const changes: SessionChange[] = [];
  for (const session of after) {
    const established = session.state === 'established';
    if (established !== (former.get(keyOf(session)) ?? false)) changes.push({ session, established });
  }
  const there = new Set(after.map(keyOf));
  for (const session of before)
    if (session.state === 'established' && !there.has(keyOf(session)))
      changes.push({ session: { ...session, state: 'down', lastError: 'removed' }, established: false });
  return changes;
}
