/**
 * What a box is doing now, as the live page, its API and `headrace top` get it: one JSON document, made once a second.
 *
 * Lists whose members come and go by name are objects, so that a difference names only what changed; members that do
 * not apply are left out, never null (see merge-patch.ts). Rates are per second, over the last second.
 */

/** Packets and bytes per second. */
export interface Rate {
  readonly packets: number;
  readonly bytes: number;
}

/** By who handled them: XDP sent them on, the kernel got them, or they were dropped. */
export interface Traffic {
  readonly fast: Rate;
  readonly kernel: Rate;
  readonly dropped: Rate;
}

export type Outcome = keyof Traffic;
export const outcomes: readonly Outcome[] = ['fast', 'kernel', 'dropped'];

export interface LiveInterface {
  readonly up: boolean;
  /** native, generic or none */
  readonly mode: string;
  /** The fast path may send out of it. */
  readonly transmits: boolean;
  readonly mtu: number;
  readonly problem?: string;
  /** What arrived. */
  readonly in: Traffic;
  /** What left: sent by XDP, and by the kernel as far as the interface's own counter tells. */
  readonly out: Rate;
  /** Of that, what XDP sent: counted by the packet path, whatever the driver counts. Bytes as they arrived. */
  readonly sent: Rate;
  /** Packets that XDP sent and that were lost on their way out of it. Absent when there were none. */
  readonly lost?: number;
  /** What arrived here and XDP sent on, by the interface it left by. */
  readonly to: Readonly<Record<string, Rate>>;
}

/** Why packets got their verdict. */
export interface LiveReason {
  readonly outcome: Outcome;
  /** As in headrace_packets_total. */
  readonly reason: string;
  readonly words: string;
  readonly packets: number;
  /** Since the box was attached. */
  readonly total: number;
}

/** How something is: never told by color alone. */
export type State = 'good' | 'attention' | 'bad' | 'neutral';

export interface LiveBackend {
  /** active, draining, maintenance, down, … */
  readonly state: string;
  readonly tone: State;
  readonly address?: string;
  readonly weight?: number;
  /** Part of the connections it gets, 0 to 1. */
  readonly share?: number;
  readonly rate?: Rate;
  readonly note?: string;
}

export interface LiveService {
  readonly address: string;
  readonly state: string;
  readonly tone: State;
  readonly rate?: Rate;
  readonly note?: string;
  readonly backends: Readonly<Record<string, LiveBackend>>;
}

export interface LiveSession {
  readonly daemon: string;
  readonly name: string;
  readonly neighbor: string;
  readonly as?: number;
  readonly state: string;
  readonly tone: State;
  readonly since?: string;
  /** "ipv4: 12 in, 3 out" */
  readonly routes: string;
  readonly note?: string;
}

/** One line about a part of the box, such as how routes are looked up. */
export interface Fact {
  readonly title: string;
  readonly text: string;
  readonly tone: State;
}

export interface Snapshot {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly box: {
    readonly instance: string;
    readonly host: string;
    readonly version: string;
    readonly kernel: string;
    readonly pid: number;
    /** Milliseconds since 1970. */
    readonly startedAt: number;
    readonly configFile: string;
  };
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly traffic: Traffic;
  readonly interfaces: Readonly<Record<string, LiveInterface>>;
  /** The largest first, as many as fit. */
  readonly reasons: readonly LiveReason[];
  readonly services: Readonly<Record<string, LiveService>>;
  readonly sessions: Readonly<Record<string, LiveSession>>;
  readonly facts: Readonly<Record<string, Fact>>;
}

/** The last minutes, a value a second, oldest first; all lists are of the same length. */
export interface History {
  /** Seconds since 1970. */
  readonly at: readonly number[];
  readonly packets: Readonly<Record<Outcome, readonly number[]>>;
  /** Bytes. */
  readonly bytes: Readonly<Record<Outcome, readonly number[]>>;
  /** Packets that arrived, by interface: the last minute only. */
  readonly interfaces: Readonly<Record<string, readonly number[]>>;
}
