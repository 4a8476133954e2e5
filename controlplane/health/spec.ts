/** What is checked and how often: data from the configuration, compared as a whole when it changes. */

/** Through a service's forwarding path, to its VIP on the backend. */
export interface Via {
  readonly service: string;
  readonly vip: string;
}

/** What all kinds have. */
interface Way {
  /** Left out: directly, to the backend's own address. */
  readonly via?: Via;
}

/** TCP connect; the handshake is all that is asked for. */
export interface TcpProbe extends Way {
  readonly kind: 'tcp';
  readonly port: number;
}

export interface HttpProbe extends Way {
  readonly kind: 'http' | 'https';
  readonly port: number;
  readonly method: string;
  readonly path: string;
  /** The Host header; the address that is checked by default. */
  readonly host?: string;
  /** Ranges of status codes that are well, both ends included. */
  readonly status: readonly (readonly [number, number])[];
  /** Text the body must have. */
  readonly contains?: string;
  /** A regular expression the body must match. */
  readonly matches?: string;
  /** How much of the body is read and looked at, bytes. */
  readonly maxBodyBytes: number;
  /** https: the name asked for and looked for in the certificate; `host`, or the address, by default. */
  readonly sni?: string;
  /** https: certificates to trust (PEM), instead of the system's. */
  readonly ca?: string;
  /** https: whether the certificate must be right. */
  readonly verify: boolean;
}

export interface DnsProbe extends Way {
  readonly kind: 'dns';
  readonly port: number;
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  /** Data one of the answers must have, as text: an address, a name. */
  readonly answer?: string;
}

export interface UdpProbe extends Way {
  readonly kind: 'udp';
  readonly port: number;
  readonly send: Uint8Array;
  /** Bytes the answer must have somewhere; any answer will do by default. */
  readonly expect?: Uint8Array;
}

export interface IcmpProbe extends Way {
  readonly kind: 'icmp';
}

export type Probe = TcpProbe | HttpProbe | DnsProbe | UdpProbe | IcmpProbe;
export type ProbeKind = Probe['kind'];
export const probeKinds: readonly ProbeKind[] = ['tcp', 'http', 'https', 'dns', 'udp', 'icmp'];

export interface CheckTiming {
  /** From the start of one check to the start of the next, milliseconds. */
  readonly intervalMs: number;
  /** The same while the verdict is open: unknown, or about to change. */
  readonly fastIntervalMs: number;
  readonly timeoutMs: number;
  /** Share of the interval by which each one is shorter or longer at random, 0 to 1. */
  readonly jitter: number;
  /** Successes in a row that bring a backend back. */
  readonly rise: number;
  /** Failures in a row that take it out. */
  readonly fall: number;
  /** A backend that went down stays down for at least this long, milliseconds. */
  readonly holdDownMs: number;
}

/** All checks of a backend; it is up when each is. */
export interface CheckSpec extends CheckTiming {
  readonly probes: readonly Probe[];
}

/** One backend to be checked. */
export interface CheckTarget {
  readonly pool: string;
  readonly backend: string;
  readonly address: string;
  readonly check: CheckSpec;
}
