/**
 * Asks the routing daemons for their BGP sessions every few seconds, and tells which came and went. Never twice at a
 * time: a daemon that is slow to answer is asked again when it has.
 */
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import { bgpSessions, type DaemonSockets } from '../../controlplane/routing/bgp-sessions.ts';
import type { EventLog } from '../../monitoring/events/index.ts';
import { SEPARATOR } from '../../monitoring/index.ts';
import { sessionChanges } from '../../monitoring/live/index.ts';

const programs = { bird: 'BIRD', frr: 'FRR' } as const;

export class SessionWatch {
  readonly #events: EventLog;
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

  use(sockets: DaemonSockets): void {
    this.#sockets = sockets;
  }

  /** Asks. Never rejects. */
  async look(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { sessions, errors } = await bgpSessions(this.#sockets);
    this.#asking = false;
    if (this.#closed) return;
    // A daemon that does not answer has told nothing: its sessions stay as they were.
    const silent = new Set(errors.map(({ daemon }) => daemon));
    const now = [...sessions, ...this.#sessions.filter(({ daemon }) => silent.has(daemon))];
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
      ...now.map(({ daemon }) => [daemon, true] as const),
      ...errors.map(({ daemon }) => [daemon, false] as const),
    ]);
  }

  close(): void {
    this.#closed = true;
  }
}
