/** A BGP session as either daemon tells of it: one shape, so that a table or a check need not care which runs. */

/** States of RFC 4271, and `down` for a session that is switched off. */
export type BgpState = 'down' | 'idle' | 'connect' | 'active' | 'opensent' | 'openconfirm' | 'established';

/** One address family of a session. */
export interface BgpFamily {
  /** `ipv4`, `ipv6`, `vpn4`, … */
  readonly family: string;
  /** Routes taken from the neighbor and kept; undefined when the daemon does not say. */
  readonly imported: number | undefined;
  /** Routes refused by the import filter. */
  readonly filtered: number | undefined;
  /** Routes given to the neighbor. */
  readonly exported: number | undefined;
  /** Of those taken, the ones that are the best of their kind. */
  readonly preferred?: number | undefined;
  /** Names of the filters, as BIRD tells them. */
  readonly importFilter?: string | undefined;
  readonly exportFilter?: string | undefined;
  /** Changes of routes since the session is up, by `Import updates` and the like, then by what became of them. */
  readonly changes?: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined;
}

/** One session. */
export interface BgpSession {
  readonly daemon: 'bird' | 'frr';
  /** BIRD: the protocol's name; FRR: the neighbor. */
  readonly name: string;
  readonly vrf: string | undefined;
  /** Address, or interface for an unnumbered session; of a range: the prefix. */
  readonly neighbor: string;
  readonly neighborAs: number | undefined;
  readonly localAs: number | undefined;
  readonly state: BgpState;
  /** Since when, as the daemon tells it (BIRD) or as ISO time (FRR). */
  readonly since: string | undefined;
  readonly description: string | undefined;
  readonly lastError: string | undefined;
  /** BGP messages, where the daemon counts them. */
  readonly messages?: { readonly received: number; readonly sent: number } | undefined;
  readonly families: readonly BgpFamily[];
}

/** A daemon's word for a state, as one of ours; unknown words count as down. */
export function bgpState(word: string): BgpState {
  const lower = word.toLowerCase().replace(/[^a-z]/g, '');
  switch (lower) {
    case 'idle':
    case 'connect':
    case 'active':
    case 'opensent':
    case 'openconfirm':
    case 'established':
      return lower;
    default:
      return 'down';
  }
}
