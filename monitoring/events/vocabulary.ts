/**
 * Every event there is. The log, the event stream of the API, the page's feed and docs/reference/events.md are made
 * from this list; a new event is one entry here and one `events.emit('name', { … })` where it happens.
 *
 * A name says what happened, in the past tense, and is never used again for something else: people filter by it. What
 * differs from case to case goes into fields; the sentence puts them in words and, where there is something to do, says
 * what. `warn` is for what somebody should look at, `error` for what did not happen although it was asked for.
 */
import type { EventDefinition, EventValue } from './definition.ts';

export const vocabulary = {
  // Health checks and announcements
  backend_passes: {
    level: 'info',
    sentence: 'backend {pool}/{backend} passes its checks: {reason}',
    fields: { pool: 'Its pool', backend: 'Its name', before: 'The verdict before', reason: 'What the check saw' },
  },
  backend_fails: {
    level: 'warn',
    sentence: 'backend {pool}/{backend} fails its checks: {reason}',
    fields: { pool: 'Its pool', backend: 'Its name', before: 'The verdict before', reason: 'What the check saw' },
  },
  backend_unchecked: {
    level: 'info',
    sentence: 'backend {pool}/{backend} is not decided: {reason}',
    fields: { pool: 'Its pool', backend: 'Its name', before: 'The verdict before', reason: 'What the check saw' },
  },
  panic_began: {
    level: 'error',
    sentence: 'pool {pool} is in panic: so few backends pass their checks that all are used',
    fields: { pool: 'The pool' },
  },
  panic_ended: {
    level: 'info',
    sentence: 'pool {pool} is no longer in panic: its checks are believed again',
    fields: { pool: 'The pool' },
  },
  vip_announced: {
    level: 'info',
    sentence: 'VIP {vip} is announced',
    fields: { vip: 'As a prefix', reason: 'up, or whatever made it change', detail: 'More of that; may be empty' },
  },
  vip_depreferenced: {
    level: 'info',
    sentence: 'VIP {vip} is announced with the worse metric: {detail}',
    fields: { vip: 'As a prefix', reason: 'What made it change', detail: 'More of that' },
  },
  vip_withdrawn: {
    level: 'warn',
    sentence: 'VIP {vip} is withdrawn ({reason}) {detail}',
    fields: { vip: 'As a prefix', reason: 'down, drain, removed or exit', detail: 'More of that; may be empty' },
  },
  vip_restored: {
    level: 'warn',
    sentence: 'the route of VIP {vip} was put back: {detail}',
    fields: { vip: 'As a prefix', reason: 'restored', detail: 'Why it was gone' },
  },

  // The daemon itself
  daemon_stopping: {
    level: 'info',
    sentence: '{signal}: the daemon stops, packets go on being forwarded',
    fields: { signal: 'What it was told to stop by' },
  },
  config_reloaded: { level: 'info', sentence: 'configuration reloaded', fields: {} },
  reload_refused: {
    level: 'error',
    sentence: 'reload refused, nothing changed:\n{reason}',
    fields: { reason: 'What is wrong, and what to do' },
  },
  part_not_restored: {
    level: 'error',
    sentence: '{part} could not go back after the refused reload: {reason}',
    fields: { part: 'The part of the daemon', reason: 'Why' },
  },
  part_failed: {
    level: 'error',
    sentence: '{part} failed at its {work}, the others go on: {reason}',
    fields: {
      part: 'The part of the daemon',
      work: 'What it was at: tick, refresh or another',
      reason: 'Why',
      stack: 'Where, for a report',
    },
    burst: 5,
  },
  connection_not_accepted: {
    level: 'error',
    sentence: '{server} cannot accept a connection: {reason}',
    fields: { server: 'control socket, metrics or web', reason: 'Why; EMFILE: too many are open' },
    burst: 5,
  },
  metrics_unavailable: {
    level: 'warn',
    sentence: 'no metrics: {reason}',
    fields: { reason: 'Why the exporter does not listen' },
  },
  web_unavailable: {
    level: 'warn',
    sentence: 'no live page: {reason}',
    fields: { reason: 'Why the page and its API do not listen' },
  },
  web_login_refused: {
    level: 'warn',
    sentence: 'a login to the live page from {client} was refused: wrong token in the {way}',
    fields: { client: 'Address it came from', way: 'login form, header (Bearer) or cookie' },
    burst: 5,
  },
  events_suppressed: {
    level: 'warn',
    sentence: 'suppressed {count} more of {name} in the last ten seconds',
    fields: { name: 'The event that came too often, whose level this has too', count: 'How many were not logged' },
  },
  problem_found: {
    level: 'warn',
    sentence: '{problem}',
    fields: { problem: 'What makes the box unwell, and what to do' },
  },
  problem_solved: {
    level: 'info',
    sentence: 'no longer so: {problem}',
    fields: { problem: 'What made the box unwell' },
  },
  note_made: {
    level: 'warn',
    sentence: '{note}',
    fields: { note: 'What works as configured and should be known' },
  },
  note_gone: {
    level: 'info',
    sentence: 'no longer so: {note}',
    fields: { note: 'What should have been known' },
  },
  capture_began: {
    level: 'info',
    sentence: 'a capture begins, packets cost more while it runs: {filter}',
    fields: { filter: 'Interface, filter, verdicts and reasons, as they were asked for' },
  },
  capture_ended: {
    level: 'info',
    sentence: 'the capture has ended, {why}: {captured} packets, {missed} lost',
    fields: {
      why: 'Who ended it: who asked for it, their silence, a reload, or the end of the daemon',
      captured: 'Packets that were shown',
      missed: 'Packets that were not read fast enough',
    },
  },

  // Routes and neighbors
  fib_mode_changed: {
    level: 'info',
    sentence: 'routes are looked up by the {mode} from now on: {why}',
    fields: { mode: 'helper (the kernel) or mirror (tables of our own)', why: 'What it was chosen by' },
  },
  next_hop_failed: {
    level: 'warn',
    sentence: 'next hop {neighbor} on {interface} does not answer: packets to it go to the kernel until it does',
    fields: { interface: 'Where it is', neighbor: 'Its address' },
  },
  neighbor_changed: {
    level: 'info',
    sentence: '{use} {neighbor} on {interface} {change}',
    fields: {
      interface: 'Where it is',
      neighbor: 'Its address',
      use: 'gateway, or host of an attached network',
      change: 'What became of it',
    },
  },

  // Interfaces
  offloads_switched_off: {
    level: 'info',
    sentence: 'switched off {offloads} of {interface}, because it comes before XDP and spoils what it sees',
    fields: { interface: 'The interface', offloads: "The kernel's names of them" },
  },
  port_changed: {
    level: 'debug',
    sentence: '{operation}',
    fields: {
      cause: 'Why the interfaces were looked at',
      operation: 'What was done: attach, detach, write-port, …',
      ifindex: 'Number of the interface, null where none is meant',
    },
    burst: 200,
  },
  egress_capability_unknown: {
    level: 'warn',
    sentence:
      'this kernel (before 6.3) does not tell which interfaces transmit XDP frames: known drivers are trusted to, veth is tried, on others the kernel forwards',
    fields: {},
  },

  // Load balancer
  balancer_state_unusable: {
    level: 'warn',
    sentence: 'the balancer begins anew, for the state of the daemon before makes no sense: {reason}',
    fields: { reason: 'Why' },
  },
  service_up: {
    level: 'info',
    sentence: 'service {service} is up: {usable} of {backends} backends can take connections',
    fields: { service: 'Its name', usable: 'Backends that can', backends: 'All of its pool' },
  },
  service_down: {
    level: 'warn',
    sentence: 'service {service} is down: {reason}',
    fields: { service: 'Its name', reason: 'Why' },
  },
  service_removed: {
    level: 'info',
    sentence: 'service {service} is gone',
    fields: { service: 'Its name' },
  },
  backend_changed: {
    level: 'info',
    sentence: 'backend {pool}/{backend} is {state} ({before} before) {reason}',
    fields: {
      pool: 'Its pool',
      backend: 'Its name',
      state: 'active, draining, maintenance or down',
      before: 'The same, before',
      reason: 'Why, where there is something to say',
    },
    burst: 100,
  },
  backend_ordered: {
    level: 'info',
    sentence: 'an operator said of backend {pool}/{backend}: {state}',
    fields: { pool: 'Its pool', backend: 'Its name', state: 'draining, maintenance, or file: as configured' },
  },

  // Routing daemons
  bgp_session_established: {
    level: 'info',
    sentence: 'BGP session {session} of {daemon} with {neighbor} is established',
    fields: { daemon: 'BIRD or FRR', session: 'Its name there', neighbor: 'Address of the neighbor' },
  },
  bgp_session_lost: {
    level: 'warn',
    sentence: 'BGP session {session} of {daemon} with {neighbor} is {state}: {reason}',
    fields: {
      daemon: 'BIRD or FRR',
      session: 'Its name there',
      neighbor: 'Address of the neighbor',
      state: 'What it is now',
      reason: 'What the daemon says about it',
    },
  },
  routing_daemon_silent: {
    level: 'warn',
    sentence: '{daemon} does not tell its sessions: {reason}',
    fields: { daemon: 'BIRD or FRR', reason: 'What went wrong' },
  },
} as const satisfies Record<string, EventDefinition>;

export type EventName = keyof typeof vocabulary;

/** The fields of an event, each with a value. */
export type EventFields<N extends EventName> = Readonly<Record<keyof (typeof vocabulary)[N]['fields'], EventValue>>;
