/** What the names of other exporters are made from: the same that our own metrics are. */
import type { BackendStatus } from '../../controlplane/balancer/backend-status.ts';
import type { BalancerSpec } from '../../controlplane/balancer/model.ts';
import type { Traffic } from '../../controlplane/balancer/traffic.ts';
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';

export interface CompatSources {
  readonly sessions: () => readonly BgpSession[];
  /** Daemons that were there to be asked, and whether they answered. */
  readonly daemons: () => ReadonlyMap<string, boolean>;
  /** Undefined where nothing is balanced. */
  readonly balance: () =>
    | {
        readonly services: BalancerSpec['services'];
        readonly backends: readonly BackendStatus[];
        /** Of all services together. */
        readonly traffic: Traffic;
      }
    | undefined;
  /** Whether single backends are told of (`metrics.backends`). */
  readonly backends: () => boolean;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}
