/**
 * What is wanted of the balancer: pools, services and what holds for all, as plain data. Made from the configuration,
 * compared as a whole, and kept in a file, so everything here goes through JSON unchanged.
 */
import type { NatSettings, SnatSpec } from './nat/settings.ts';
import type { Quorum } from './service-state.ts';

/** What the operator says of a backend. That one is down is seen, not said. */
export type AdminState = 'active' | 'draining' | 'maintenance';

export interface BackendSpec {
  readonly name: string;
  /** Text of an IP address. */
  readonly address: string;
  readonly weight: number;
  readonly state: AdminState;
  /** How long draining may last; undefined: for ever. */
  readonly drainMs?: number | undefined;
  /** `nat`: the port it listens on; 0: the one the client asked for. */
  readonly port: number;
  /** `gue`: the port its tunnel listens on. */
  readonly guePort: number;
  /** QUIC: the server id in the connection ids it gives out. */
  readonly quicServerId?: number | undefined;
}

export interface PoolSpec {
  readonly name: string;
  readonly backends: readonly BackendSpec[];
}

export type Protocol = 'tcp' | 'udp';

/** What a service takes of one VIP. */
export interface Frontend {
  /** Text of a prefix, /32 and /128 for one address. */
  readonly vip: string;
  /** `any`: whatever no other service takes. */
  readonly protocol: Protocol | 'any';
  /** 0 for any port, and with `any`. */
  readonly fromPort: number;
  /** `fromPort` for a single one. */
  readonly toPort: number;
}

export type ForwardMode = 'l2' | 'ipip' | 'gue' | 'nat';
export type Refusal = 'drop' | 'reset' | 'icmp';

export interface QuicIds {
  readonly cidLength: number;
  readonly serverIdOffset: number;
  /** 1–4. */
  readonly serverIdLength: number;
}

export interface ServiceSpec {
  readonly name: string;
  readonly pool: string;
  readonly frontends: readonly Frontend[];
  readonly mode: ForwardMode;
  /** Low bits of the outer source that come from the flow; 0: none. */
  readonly entropyBits: number;
  /** `nat`: how backends see clients; null: by their own addresses. */
  readonly snat: SnatSpec | null;
  /** 0: left alone. */
  readonly mss: number;
  /** Slots of the ring. */
  readonly table: number;
  readonly clientIp: boolean;
  readonly udp: 'hash' | 'tracked' | 'quic';
  /** 0: the default. */
  readonly udpIdleSeconds: number;
  readonly quic: QuicIds | null;
  readonly quorum: Quorum;
  readonly echo: 'always' | 'when_healthy' | 'never';
  readonly fragments: 'drop' | 'hash3' | 'track';
  readonly noBackend: Refusal;
  readonly noService: Refusal;
}

export interface BalancerSettings {
  readonly seed: number;
  readonly settleMs: number;
  readonly idleMs: number;
  /** Flows remembered a second and CPU. */
  readonly synBudget: number;
  readonly otherBudget: number;
  /** Packets sent on behalf of VIPs, a second and CPU. */
  readonly answerBudget: number;
  /** Outer sources of tunnels; null: what the kernel would use. */
  readonly sourceV4: string | null;
  readonly sourceV6: string | null;
  readonly blackholeVips: boolean;
  readonly nat: NatSettings;
}

export interface BalancerSpec {
  readonly pools: readonly PoolSpec[];
  readonly services: readonly ServiceSpec[];
  readonly settings: BalancerSettings;
}

/** A pool as rings see it: one ring serves all services of a pool that have one size of table. */
export function ringName(pool: string, table: number): string {
  return `${pool}/${table}`;
}

/** Text that is the same for backends that packets cannot tell apart: the identity of a number in the packet path. */
export function backendIdentity(pool: string, backend: BackendSpec): string {
  return [pool, backend.name, backend.address, backend.port, backend.guePort].join(' ');
}
