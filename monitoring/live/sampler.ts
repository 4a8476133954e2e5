/**
 * Takes a snapshot of the box once a second, and keeps the last one and the last minutes of traffic: the page, the API
 * and `headrace top` all look at the same.
 *
 * It asks only for what the daemon has at hand and reads the counters once; what must be waited for, such as sessions of
 * routing daemons, is asked for elsewhere and given when it is there.
 */
import type { CounterRow, LossRow, PathRow } from '../../controlplane/dataplane/index.ts';
import type { PortState } from '../../controlplane/ports/index.ts';
import type { BgpSession } from '../../controlplane/routing/bgp-session.ts';
import { factsOf } from './facts.ts';
import { TrafficHistory } from './history.ts';
import { type LossRates, lossRates, noLosses } from './losses.ts';
import type { DeviceCounts } from './net-dev.ts';
import { type CounterRates, type CounterReading, counterRates, mostFirst, noTraffic, round } from './rates.ts';
import { type BalanceReading, servicesOf } from './services.ts';
import { sessionsOf } from './sessions.ts';
import type { History, LiveInterface, LiveService, Rate, Snapshot } from './snapshot.ts';
import { allThatLeft, noRate, noWays, type Ways, waysOf } from './ways.ts';

/** What the daemon says about itself. */
export interface LiveStatus {
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
  readonly parts: Readonly<Record<string, unknown>>;
}

export interface LiveSources {
  readonly box: Snapshot['box'];
  readonly status: () => LiveStatus;
  readonly counters: () => readonly CounterRow[];
  readonly paths: () => readonly PathRow[];
  /** What was lost after the verdict; absent or undefined where that is not counted. */
  readonly losses?: () => readonly LossRow[] | undefined;
  readonly ports: () => readonly PortState[];
  readonly devices: () => ReadonlyMap<string, DeviceCounts>;
  readonly sessions: () => readonly BgpSession[];
  /** Services and backends; undefined where nothing is balanced. */
  readonly balance?: () => Omit<BalanceReading, 'at'> | undefined;
  /** Milliseconds of a clock that only goes forward. Default: this process's. */
  readonly clock?: () => number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Backends that are looked at in a second: with more of them, not all seconds bring new figures of services. */
const BACKENDS_A_SECOND = 500;
/** Reasons shown at most: more would be noise. */
const REASONS = 12;

interface Reading extends CounterReading {
  readonly devices: ReadonlyMap<string, DeviceCounts>;
  readonly paths: readonly PathRow[];
  readonly losses: readonly LossRow[];
}

export class LiveSampler {
  readonly #sources: LiveSources;
  readonly #history = new TrafficHistory();
  #last: Reading;
  #balance: BalanceReading | undefined;
  #services: Readonly<Record<string, LiveService>> = {};
  #rest = 0;
  #snapshot: Snapshot;

  constructor(sources: LiveSources) {
    this.#sources = sources;
    this.#last = this.#read();
    this.#snapshot = this.#make({ total: noTraffic, interfaces: new Map(), reasons: [] }, new Map(), noWays, noLosses);
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get history(): History {
    return this.#history.get();
  }

  /** Takes the next snapshot. */
  sample(): Snapshot {
    const next = this.#read();
    const rates = counterRates(this.#last, next);
    const left = sentRates(this.#last, next);
    const seconds = Math.max(0.001, (next.at - this.#last.at) / 1000);
    const ways = waysOf(this.#last.paths, next.paths, seconds);
    const losses = lossRates(this.#last.losses, next.losses, seconds);
    this.#last = next;
    if (this.#rest-- <= 0) this.#lookAtServices(next.at);
    this.#snapshot = this.#make(rates, left, ways, losses);
    this.#history.add(this.#snapshot.at, rates, Object.keys(this.#snapshot.interfaces));
    return this.#snapshot;
  }

  #lookAtServices(at: number): void {
    const found = this.#sources.balance?.();
    const next = found && { at, ...found };
    this.#services = next ? servicesOf(this.#balance, next) : {};
    this.#balance = next;
    this.#rest = Math.floor((next?.backends.length ?? 0) / BACKENDS_A_SECOND);
  }

  #read(): Reading {
    const { counters, devices, paths, losses, clock = () => performance.now() } = this.#sources;
    return { at: clock(), rows: counters(), paths: paths(), losses: losses?.() ?? [], devices: devices() };
  }

  #make(rates: CounterRates, left: ReadonlyMap<string, Rate>, ways: Ways, losses: LossRates): Snapshot {
    const { box, status, ports, sessions, now = Date.now } = this.#sources;
    const { healthy, problems, notes, parts } = status();
    return {
      at: now(),
      box,
      healthy,
      problems: [...problems],
      notes: [...notes],
      traffic: rates.total,
      interfaces: Object.fromEntries(ports().map((port) => [port.name, interfaceOf(port, rates, left, ways, losses)])),
      reasons: [...rates.reasons, ...losses.reasons].sort(mostFirst).slice(0, REASONS),
      services: this.#services,
      sessions: sessionsOf(sessions()),
      facts: factsOf(parts),
    };
  }
}

function interfaceOf(
  port: PortState,
  rates: CounterRates,
  left: ReadonlyMap<string, Rate>,
  ways: Ways,
  losses: LossRates,
): LiveInterface {
  const lost = losses.interfaces.get(port.name);
  const sent = ways.to.get(port.name) ?? noRate;
  return {
    up: port.up,
    mode: port.mode,
    transmits: port.transmits,
    mtu: port.mtu,
    ...(port.problem ? { problem: port.problem } : {}),
    in: rates.interfaces.get(port.name) ?? noTraffic,
    out: allThatLeft(sent, left.get(port.name) ?? noRate),
    sent,
    ...(lost ? { lost } : {}),
    to: ways.from.get(port.name) ?? {},
  };
}

function sentRates(before: Reading, after: Reading): Map<string, Rate> {
  const seconds = Math.max(0.001, (after.at - before.at) / 1000);
  const rates = new Map<string, Rate>();
  for (const [name, counts] of after.devices) {
    const old = before.devices.get(name);
    // An interface made anew starts at zero.
    if (!old || counts.sentPackets < old.sentPackets) continue;
    rates.set(name, {
      packets: round((counts.sentPackets - old.sentPackets) / seconds),
      bytes: Math.max(0, Math.round((counts.sentBytes - old.sentBytes) / seconds)),
    });
  }
  return rates;
}
