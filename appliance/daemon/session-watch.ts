/**
 * Asks the routing daemons for their BGP sessions every few seconds, and tells which came and went. Never twice at a
 * time: a daemon that is slow to answer is asked again when it has.
 *
 * One that has answered once, or that the configuration counts on, is missed when it is gone: its sessions are no longer
 * established, but they are not forgotten, or nobody would be told that they are not there.
 */
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import { bgpSessions, type DaemonSockets, type RoutingDaemon } from '../../controlplane/routing/bgp-sessions.ts';
import type { EventLog } from '../../monitoring/events/index.ts';
import { SEPARATOR } from '../../monitoring/index.ts';
import { sessionChanges } from '../../monitoring/live/index.ts';

const programs = { bird: 'BIRD', frr: 'FRR' } as const;

export class SessionWatch {
  readonly #events: EventLog;
  readonly #expected = new Set<RoutingDaemon>();
  #sockets: DaemonSockets = {};
  #sessions: readonly BgpSession[] = [];
  #errors: ReadonlyMap<string, string> = new Map();
  #daemons: ReadonlyMap<string, boolean> = new Map();
  readonly #transitions = new Map<string, number>();
  #asking = false;
  #closed = false;

  constructor(events: EventLog) {
    this.#events = events;
  }

  /** As last told. */
  get sessions(): readonly BgpSession[] {
    return this.#sessions;
  }

  /** Daemons that were there when last asked, and whether they answered. */
  get daemons(): ReadonlyMap<string, boolean> {
    return this.#daemons;
  }

  /** As `SessionSources` has them. */
  get transitions(): ReadonlyMap<string, number> {
    return this.#transitions;
  }

  /** @param expected daemons that have to be there, whether they ever answered or not */
  use(sockets: DaemonSockets, expected: readonly RoutingDaemon[] = []): void {
    this.#sockets = sockets;
    for (const daemon of expected) this.#expected.add(daemon);
  }

  /** Asks. Never rejects. */
  async look(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const found = await bgpSessions(this.#sockets);
    this.#asking = false;
    if (this.#closed) return;
    for (const daemon of found.answered) this.#expected.add(daemon);
    const missed = new Map(
      found.absent.filter(({ daemon }) => this.#expected.has(daemon)).map(({ daemon, message }) => [daemon, message]),
    );
    const errors = [...found.errors, ...found.absent.filter(({ daemon }) => missed.has(daemon))];
    // A daemon that does not answer has told nothing: its sessions stay as they were. One that is gone has none.
    const silent = new Set(found.errors.map(({ daemon }) => daemon));
    const now = [
      ...found.sessions,
      ...this.#sessions.filter(({ daemon }) => silent.has(daemon)),
      ...this.#sessions.filter(({ daemon }) => missed.has(daemon)).map((one) => lost(one, missed.get(one.daemon)!)),
    ];
    for (const { session, established } of sessionChanges(this.#sessions, now)) {
      const { name, neighbor, state, lastError } = session;
      const daemon = programs[session.daemon];
      const to = established ? 'established' : 'down';
      const key = [session.daemon, name, session.vrf ?? '', to].join(SEPARATOR);
      this.#transitions.set(key, (this.#transitions.get(key) ?? 0) + 1);
      if (established) this.#events.emit('bgp_session_established', { daemon, session: name, neighbor });
      else
        this.#events.emit('bgp_session_lost', {
          daemon,
          session: name,
          neighbor,
          state,
          reason: lastError ?? 'no reason given',
        });
    }
    for (const { daemon, message } of errors)
      if (this.#errors.get(daemon) !== message)
        this.#events.emit('routing_daemon_silent', { daemon: programs[daemon], reason: message });
    this.#errors = new Map(errors.map(({ daemon, message }) => [daemon, message]));
    this.#sessions = now;
    this.#daemons = new Map([
      ...found.answered.map((daemon) => [daemon, true] as const),
      ...errors.map(({ daemon }) => [daemon, false] as const),
    ]);
  }

  close(): void {
    this.#closed = true;
  }
}

/** A session of a daemon that is gone. */
function lost(session: BgpSession, message: string): BgpSession {
  const families = session.families.map((family) => ({ ...family, imported: 0, filtered: 0, exported: 0 }));
  return { ...session, state: 'idle', lastError: message, families };
}
