/** What is wanted of the translation of addresses, for all services: as plain data, kept in a file with the rest. */

/** States of a connection, by their names in the packet path (enum nat_state), and how long silence may last in them. */
export const natStates = [
  'syn_sent',
  'syn_recv',
  'picked_up',
  'established',
  'fin',
  'closed',
  'reset',
  'udp',
  'udp_stream',
] as const;

export type NatStateName = (typeof natStates)[number];

export interface NatSettings {
  readonly idleSeconds: Readonly<Record<NatStateName, number>>;
  /** Ports for connections whose own is taken, the last included. */
  readonly ports: readonly [first: number, last: number];
  /** A backend's packets of no connection are routed as they are. */
  readonly routeStrays: boolean;
}

/** How backends see a service's clients. */
export interface SnatSpec {
  /** None: the box's own address towards the backend. */
  readonly addresses: readonly string[];
  /** Null: those of the settings. */
  readonly ports: readonly [first: number, last: number] | null;
}

/** As conntrack has them, but for established connections, which it keeps for five days: RFC 5382 asks for this. */
export const defaultNatSettings: NatSettings = {
  idleSeconds: {
    syn_sent: 120,
    syn_recv: 60,
    picked_up: 60,
    established: 7440,
    fin: 120,
    closed: 120,
    reset: 10,
    udp: 30,
    udp_stream: 120,
  },
  ports: [1024, 32767],
  routeStrays: false,
};
