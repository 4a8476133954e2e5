/** The values of what the routing daemons tell. */
import type { BgpSession } from '../controlplane/routing/bgp-session.ts';
import type { Collectors } from './collector.ts';
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
  return {
    routingDaemonUp: () => [...daemons()].map(([daemon, up]) => ({ labels: { daemon }, value: up ? 1 : 0 })),
    bgpSessionUp: () =>
      sessions().map((session) => ({
        labels: {
          daemon: session.daemon,
          session: session.name,
          peer: session.neighbor,
          peer_as: String(session.neighborAs ?? ''),
          vrf: session.vrf ?? '',
        },
        value: session.state === 'established' ? 1 : 0,
      })),
    bgpSessionPrefixes: () => sessions().flatMap(prefixes),
    bgpSessionTransitions: () =>
      [...transitions()].map(([key, value]) => {
        const [daemon = '', session = '', vrf = '', to = ''] = key.split(SEPARATOR);
        return { labels: { daemon, session, vrf, to }, value };
      }),
  };
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
