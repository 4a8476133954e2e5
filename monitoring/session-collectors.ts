/** The values of what the routing daemons tell. */
import type { BgpSession } from '../controlplane/routing/bgp-session.ts';
import type { Collectors } from './collector.ts';
import { secondsSince } from './compat/bird.ts';
import type { Sample } from './counter-samples.ts';

export interface SessionSources {
  readonly sessions: () => readonly BgpSession[];
  /** Daemons that were there to be asked, and whether they answered. */
  readonly daemons: () => ReadonlyMap<string, boolean>;
  /** Numbers by "DAEMON SESSION VRF TO", fields separated by NUL. */
  readonly transitions: () => ReadonlyMap<string, number>;
}

/** Fields of a key of `SessionSources.transitions`. */
export const SEPARATOR = '\0';

export function sessionCollectors({ sessions, daemons, transitions }: SessionSources): Collectors {
  const each = (value: (session: BgpSession) => number | undefined) => (): Sample[] =>
    sessions().flatMap((session) => {
      const found = value(session);
      return found === undefined ? [] : [{ labels: labelsOf(session), value: found }];
    });
  return {
    routingDaemonUp: () => [...daemons()].map(([daemon, up]) => ({ labels: { daemon }, value: up ? 1 : 0 })),
    bgpSessionUp: each(({ state }) => (state === 'established' ? 1 : 0)),
    bgpSessionEnabled: each(({ state }) => (state === 'down' ? 0 : 1)),
    bgpSessionEstablished: each(({ state, since }) =>
      state === 'established' ? establishedAt(since, Date.now()) : undefined,
    ),
    bgpSessionPrefixes: () => sessions().flatMap(prefixes),
    bgpSessionTransitions: () => {
      // At 0 before it happens, or nobody would see the first time.
      const counts = new Map<string, number>(
        sessions().flatMap(({ daemon, name, vrf }) =>
          ['established', 'down'].map((to) => [[daemon, name, vrf ?? '', to].join(SEPARATOR), 0] as const),
        ),
      );
      for (const [key, value] of transitions()) counts.set(key, value);
      return [...counts].map(([key, value]) => {
        const [daemon = '', session = '', vrf = '', to = ''] = key.split(SEPARATOR);
        return { labels: { daemon, session, vrf, to }, value };
      });
    },
  };
}

function labelsOf({ daemon, name, neighbor, neighborAs, vrf }: BgpSession): Record<string, string> {
  return { daemon, session: name, peer: neighbor, peer_as: String(neighborAs ?? ''), vrf: vrf ?? '' };
}

/** Unix time, of what BIRD or FRR tells; undefined where that says too little. */
function establishedAt(since: string | undefined, now: number): number | undefined {
  if (since?.includes('T')) {
    const at = Date.parse(since);
    return Number.isNaN(at) ? undefined : Math.floor(at / 1000);
  }
  const seconds = secondsSince(since, now);
  return seconds === undefined ? undefined : Math.floor(now / 1000) - seconds;
}

function prefixes({ daemon, name, vrf, families }: BgpSession): Sample[] {
  return families.flatMap((family) =>
    (['imported', 'filtered', 'exported'] as const).flatMap((direction) => {
      const value = family[direction];
      const labels = { daemon, session: name, vrf: vrf ?? '', family: family.family, direction };
      return value === undefined ? [] : [{ labels, value }];
    }),
  );
}
