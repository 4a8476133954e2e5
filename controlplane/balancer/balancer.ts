/**
 * The balancer's control plane: makes the packet path be what is wanted, and keeps it so while backends come and go.
 *
 * Three things change a ring: another configuration, an operator's word about a backend, and a check's. Each of them
 * only says that a pool must be looked at again; looking is one and the same function (`#follow`): who may get new
 * connections, the ring for them, and how its slots go over from what is there. Rings are filled in slices, so that a
 * pool of hundreds does not keep the daemon from its other work; one at a time, in the order they were asked for.
 *
 * What is there at the start is what packets see: a daemon takes over the pinned rings as they are, and a configuration
 * that changed while none ran is a change like any other.
 */

import type { ServiceWay } from '../check-path/index.ts';
import { timedGrace } from '../routing/fib/grace.ts';
import { BackendBook } from './backend-book.ts';
import type { BackendStatus, WayNeeds } from './backend-status.ts';
import { BackendTable } from './backend-table.ts';
import type { BackendState } from './backend-view.ts';
import type { BalanceMemory } from './balance-memory.ts';
import { BalancerState } from './balancer-state.ts';
import { FlowSweeper } from './flow-sweeper.ts';
import type { BackendHealth, Unsubscribe } from './health-source.ts';
import { type BalancerSettings, type BalancerSpec, backendIdentity, type PoolSpec, ringName } from './model.ts';
import { defaultNatSettings, natStates } from './nat/settings.ts';
import { STREAM } from './nat/sweep.ts';
import { NatSweeper } from './nat/sweeper.ts';
import { NatTables, natMapsOf } from './nat/tables.ts';
import type { NextHops } from './next-hops.ts';
import type { Overrides } from './overrides.ts';
import { type QuicId, writeQuicIds } from './quic-ids.ts';
import { type RingPreview, RingSet, type RingState, ringsOf } from './ring-set.ts';
import { ServiceBook } from './service-book.ts';
import { type DesiredRecord, desiredRecords } from './service-records.ts';
import type { ServiceState, ServiceStates } from './service-state.ts';
import { ServiceTable } from './service-table.ts';
import { backendTraffic, serviceTraffic } from './traffic.ts';

export interface BalancerOptions {
  readonly memory: BalanceMemory;
  /** Where the state is kept that goes with the maps. */
  readonly stateFile: string;
  readonly health: BackendHealth;
  readonly hops: NextHops;
  readonly overrides: Overrides;
  /** CLOCK_MONOTONIC in milliseconds, which is what the packet path compares with. */
  readonly now?: () => number;
  readonly onError: (error: unknown) => void;
  /** Told why everything begins anew, when the state file makes no sense. */
  readonly onAnew?: (error: unknown) => void;
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

const NOTHING: BalancerSettings = {
  seed: 0,
  settleMs: 900_000,
  idleMs: 3_600_000,
  synBudget: 0,
  otherBudget: 0,
  answerBudget: 0,
  sourceV4: null,
  sourceV6: null,
  blackholeVips: true,
  nat: defaultNatSettings,
};

export class Balancer implements ServiceStates {
  readonly state: BalancerState;
  readonly sweeper: FlowSweeper;
  /** Translated connections. */
  readonly nat: NatSweeper;
  readonly #options: BalancerOptions;
  readonly #now: () => number;
  readonly #backends: BackendTable;
  readonly #book: BackendBook;
  readonly #services: ServiceTable;
  #rings: RingSet;
  readonly #pools = new Map<string, PoolSpec>();
  readonly #judged: ServiceBook;
  readonly #subscriptions: Unsubscribe[];
  #spec: BalancerSpec = { pools: [], services: [], settings: NOTHING };
  #records: readonly DesiredRecord[] = [];
  /** Name of the first record that leads to each service: asked for at every check that goes by the packet path. */
  #recordOf: ReadonlyMap<string | undefined, string> = new Map();
  /** Pools to be looked at, and the work on them. */
  readonly #dirty = new Set<string>();
  /** Pools whose rings could not be given to their owners: tried again every second. */
  readonly #unfinished = new Set<string>();
  #work: Promise<void> = Promise.resolve();
  /** What packets see was made by a daemon before, and nothing was applied since. */
  #inherits = true;
  #closed = false;

  constructor(options: BalancerOptions) {
    const { memory } = options;
    this.#options = options;
    this.#now = options.now ?? monotonicMs;
    const grace = timedGrace();
    this.#backends = new BackendTable(memory.backends, grace);
    this.#services = new ServiceTable(memory);
    this.#rings = new RingSet(memory, grace);
    const state = this.#adopt();
    this.state = state ?? new BalancerState(options.stateFile, memory.identity, memory.limits, true);
    if (!state) {
      // Numbers start again from 1, so nothing may lead to what stood under them.
      memory.clear();
      this.#pools.clear();
      this.#services = new ServiceTable(memory);
      this.#rings = new RingSet(memory, grace);
    }
    const { health, hops, overrides } = options;
    this.#book = new BackendBook({
      table: this.#backends,
      state: this.state,
      health,
      hops,
      overrides,
      now: this.#now,
    });
    this.#judged = new ServiceBook({
      state: this.state,
      statusesOf: (pool) => this.#book.of(pool),
      settled: (pool) => health.settled(pool),
      hasRing: ({ pool, table }) => this.#rings.get(ringName(pool, table))?.keeper.size === table,
      now: this.#now,
      onUp: () => {
        for (const record of this.#records) if (record.echoWhenUp && this.#services.has(record.name)) this.#put(record);
      },
    });
    this.sweeper = new FlowSweeper({
      memory,
      state: this.state,
      now: this.#now,
      idleMs: () => this.#spec.settings.idleMs,
      lives: (backend) => this.#backends.isAlive(backend),
      rings: () => this.#rings.list().map(({ keeper }) => keeper),
      alsoMet: () => this.nat.walk(),
      translates: () => natMapsOf(memory.maps) !== undefined,
    });
    this.nat = new NatSweeper({
      maps: () => natMapsOf(memory.maps),
      now: this.#now,
      rules: () => this.#natRules(),
    });
    this.#subscriptions = [
      options.health.onChange((pool) => this.#touch(pool)),
      options.hops.onChange((addresses) => this.#hopsChanged(addresses)),
    ];
  }

  get spec(): BalancerSpec {
    return this.#spec;
  }

  list(): readonly ServiceState[] {
    return this.#judged.list();
  }

  onChange(listener: (service: string) => void): Unsubscribe {
    return this.#judged.onChange(listener);
  }

  rings(): readonly RingState[] {
    return this.#rings.list();
  }

  statuses(): readonly BackendStatus[] {
    return this.#book.list();
  }

  /** Connections remembered for a backend, while slots move and translated, as of the last walks. */
  rememberedFor(number: number): number {
    return this.sweeper.rememberedFor(number) + this.nat.connectionsOf(number);
  }

  /** How packets of a service get to a backend; undefined while the packet path does not know both. */
  wayTo(service: string, pool: string, backend: string): ServiceWay | undefined {
    const record = this.#recordOf.get(service);
    const number = record === undefined ? undefined : this.state.services.numberOf(record);
    const status = this.#book.get(pool, backend);
    if (number === undefined || !status) return undefined;
    const hop = this.#options.hops.get(status.spec.address);
    return { service: number, backend: status.number, local: hop?.local ?? false, source: hop?.source };
  }

  /** Do packets still go to the backend of this number? */
  isAlive(number: number): boolean {
    return this.#backends.isAlive(number);
  }

  get records(): readonly DesiredRecord[] {
    return this.#records;
  }

  /** Slots of the arena: used and all there are. */
  get arena(): { readonly used: number; readonly size: number } {
    return this.#rings.arena;
  }

  /** Takes over rings and services that packets use now. @returns undefined when it is not known what they are. */
  #adopt(): BalancerState | undefined {
    const { memory, stateFile } = this.#options;
    try {
      const state = new BalancerState(stateFile, memory.identity, memory.limits);
      if (!state.restored) return undefined;
      this.#takeOver(state);
      return state;
    } catch (error) {
      this.#options.onAnew?.(error);
      return undefined;
    }
  }

  #takeOver(state: BalancerState): void {
    const { spec } = state;
    for (const [name, number] of state.rings.entries()) this.#rings.adopt(name, number);
    if (!spec) return;
    for (const record of desiredRecords(spec)) {
      const number = state.services.numberOf(record.name);
      if (number !== undefined)
        this.#services.adopt(record, number, { record: (name) => state.services.numberOf(name) ?? 0 });
    }
    // What was configured last is what there is to compare with, until `apply` says what is wanted now.
    for (const pool of spec.pools) this.#pools.set(pool.name, pool);
    this.#spec = spec;
  }

  /**
   * Goes over to `wanted`: all of it, or nothing when it does not fit. Returns when packets see it.
   * @throws CapacityError before anything changed
   */
  async apply(wanted: BalancerSpec): Promise<void> {
    await this.#serially(() => this.#apply(wanted));
  }

  async #apply(wanted: BalancerSpec): Promise<void> {
    const records = desiredRecords(wanted);
    const rings = ringsOf(wanted);
    this.checkRoom(wanted);
    const named = new Set(records.map(({ name }) => name));
    const gone = [...this.#services.names()].filter((name) => !named.has(name));
    this.#takeNumbers(wanted, records, rings);
    this.state.spec = wanted;
    this.state.save();

    this.#writeSettings(wanted.settings);
    const before = this.#spec;
    this.#spec = wanted;
    const nat = this.#natTables();
    nat?.widen(before, wanted);
    nat?.writePools(wanted, (service) => this.#recordsOf(records, service));
    this.#pools.clear();
    for (const pool of wanted.pools) this.#pools.set(pool.name, pool);
    this.#options.hops.follow(wanted.pools.flatMap(({ backends }) => backends.map(({ address }) => address)));
    const dropped = this.#book.drop(before, wanted);
    for (const [name, ring] of rings)
      if (!this.#rings.has(name)) this.#rings.create(name, ring, this.#number('rings', name));
    for (const pool of wanted.pools) await this.#follow(pool.name).catch((error) => this.#failed(pool.name, error));
    for (const number of dropped) this.#backends.kill(number);
    writeQuicIds(this.#options.memory.maps.lbQuicIds, this.#quicIds());

    this.#records = records;
    this.#recordOf = new Map([...records].reverse().map(({ service, name }) => [service, name]));
    this.#judged.judge(this.#spec.services);
    for (const record of records) this.#put(record);
    const numberOf = (name: string): number => this.#number('services', name);
    // A VIP's own record is its first and its last.
    const isVip = (name: string): boolean => !name.includes(' ');
    for (const name of [...gone].sort((a, b) => Number(isVip(a)) - Number(isVip(b))))
      this.#services.remove(name, numberOf);
    // A daemon that was killed in the middle of this may have left what no configuration names.
    if (this.#inherits) this.#services.purge();
    this.#inherits = false;
    for (const [name] of [...this.state.services.entries()]) if (!named.has(name)) this.state.services.retire(name);
    nat?.narrow(wanted);
    for (const { name } of this.#rings.list()) if (!rings.has(name)) this.#rings.remove(name);
    for (const [name] of [...this.state.rings.entries()]) if (!rings.has(name)) this.state.rings.retire(name);
    this.#judged.judge(this.#spec.services);
    this.state.save();
  }

  /** @throws CapacityError when `wanted` does not fit beside what cannot go yet. */
  checkRoom(wanted: BalancerSpec): void {
    this.state.services.checkRoom(desiredRecords(wanted).map(({ name }) => name));
    this.state.backends.checkRoom(
      wanted.pools.flatMap((pool) => pool.backends.map((b) => backendIdentity(pool.name, b))),
    );
    const rings = ringsOf(wanted);
    this.state.rings.checkRoom(rings.keys());
    this.#rings.checkRoom(rings);
  }

  #takeNumbers(wanted: BalancerSpec, records: readonly DesiredRecord[], rings: ReadonlyMap<string, unknown>): void {
    const { lbTraffic } = this.#options.memory.maps;
    const [ofServices, ofBackends] = [serviceTraffic(lbTraffic), backendTraffic(lbTraffic)];
    const zero = { packets: 0n, bytes: 0n, flows: 0n };
    for (const { name } of records) {
      const { number, fresh } = this.state.services.take(name);
      if (fresh) ofServices.set(number, zero);
    }
    for (const pool of wanted.pools)
      for (const backend of pool.backends) {
        const { number, fresh } = this.state.backends.take(backendIdentity(pool.name, backend));
        if (fresh) ofBackends.set(number, zero);
      }
    for (const name of rings.keys()) this.state.rings.take(name);
  }

  #number(registry: 'services' | 'rings', name: string): number {
    const number = this.state[registry].numberOf(name);
    if (number === undefined) throw new Error(`find the number of ${name}: it has none`);
    return number;
  }

  #natTables(): NatTables | undefined {
    const maps = natMapsOf(this.#options.memory.maps);
    return maps && new NatTables(maps);
  }

  /** Numbers of the records that lead to a service. */
  #recordsOf(records: readonly DesiredRecord[], service: string): number[] {
    return records.filter((record) => record.service === service).map(({ name }) => this.#number('services', name));
  }

  #natRules() {
    const { idleSeconds } = this.#spec.settings.nat;
    const byState = [0, ...natStates.map((state) => idleSeconds[state])];
    const own = new Map(
      this.#spec.services.flatMap(({ name, udpIdleSeconds }) =>
        udpIdleSeconds > 0
          ? this.#recordsOf(this.#records, name).map((number) => [number, udpIdleSeconds] as const)
          : [],
      ),
    );
    return {
      lives: (backend: number) => this.#backends.isAlive(backend),
      idleSeconds: (state: number, service: number): number =>
        (state === STREAM ? own.get(service) : undefined) ?? byState[state] ?? 0,
    };
  }

  #writeSettings(settings: BalancerSettings): void {
    const now = this.#options.memory.settings.read(0);
    this.#options.memory.settings.write(0, {
      ...now,
      syn_budget: settings.synBudget,
      other_budget: settings.otherBudget,
      answer_budget: settings.answerBudget,
    });
  }

  #put(record: DesiredRecord): void {
    this.#services.put(record, {
      record: (name) => this.#number('services', name),
      ring: (name) => this.#number('rings', name),
      echo: ({ echoWhenUp }) => echoWhenUp?.some((service) => this.#judged.isUp(service)) ?? false,
    });
  }

  /** Server ids of the backends of rings that QUIC services use. */
  #quicIds(): QuicId[] {
    return this.#spec.services.flatMap(({ udp, quic, pool, table }) => {
      if (udp !== 'quic' || !quic || quic.serverIdLength === 0) return [];
      const ring = this.#number('rings', ringName(pool, table));
      return this.#book
        .of(pool)
        .flatMap(({ spec, number }) =>
          spec.quicServerId === undefined ? [] : [{ ring, server: spec.quicServerId, backend: number }],
        );
    });
  }

  /** A pool must be looked at again. */
  #touch(pool: string): void {
    if (this.#closed) return;
    this.#dirty.add(pool);
    void this.#serially(async () => {
      if (!this.#dirty.delete(pool) || this.#closed) return;
      await this.#follow(pool).catch((error) => this.#failed(pool, error));
      this.#judged.judge(this.#spec.services);
    }).catch(this.#options.onError);
  }

  /** Says what kept a pool from its place, and has it looked at again in a while. */
  #failed(pool: string, error: unknown): void {
    this.#unfinished.add(pool);
    this.#options.onError(error);
  }

  #serially(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** Resolves when nothing that was asked for is still to be done. */
  async idle(): Promise<void> {
    for (let work = this.#work; ; work = this.#work) {
      await work;
      if (work === this.#work) return;
    }
  }

  /** Judges a pool's backends and moves its rings accordingly. */
  async #follow(poolName: string): Promise<void> {
    const pool = this.#pools.get(poolName);
    if (!pool) return;
    const needs = this.#needsOf(poolName);
    const { settings } = this.#spec;
    for (const backend of pool.backends) this.#book.judge(poolName, backend, needs);
    // Packets must find those who came before they are sent there, and are sent elsewhere before others are gone.
    const statuses = this.#book.of(poolName);
    for (const status of statuses) if (status.view.lives) this.#book.tell(status, settings, needs);
    try {
      for (const ring of this.#rings.list())
        if (ring.pool === poolName) await this.#rings.move(ring, this.#book.ownershipOf(poolName), settings, this.#now);
    } finally {
      for (const status of statuses) if (!status.view.lives) this.#book.tell(status, settings, needs);
    }
  }

  #needsOf(pool: string): WayNeeds {
    const modes = this.#spec.services.filter((service) => service.pool === pool).map(({ mode }) => mode);
    return { ownSegment: modes.includes('l2'), notLocal: modes.includes('nat') };
  }

  /** Called with a backend whose state has changed. */
  onBackend(listener: (status: BackendStatus, before: BackendState) => void): Unsubscribe {
    return this.#book.onChange(listener);
  }

  /**
   * What would become of a ring under another configuration. Nothing changes.
   * @returns undefined for a ring that is not there yet
   */
  async previewRing(wanted: BalancerSpec, name: string): Promise<RingPreview | undefined> {
    const ring = this.#rings.get(name);
    const pool = wanted.pools.find((each) => each.name === ring?.pool);
    if (!ring || !pool) return undefined;
    return this.#rings.preview(ring, this.#book.ownershipUnder(pool), wanted.settings, this.#now);
  }

  /** Services that would go down under another configuration, as they would be. Nothing changes. */
  previewDown(wanted: BalancerSpec): ServiceState[] {
    return wanted.services.flatMap((service) => {
      const pool = wanted.pools.find(({ name }) => name === service.pool);
      if (!pool || !this.#judged.isUp(service.name)) return [];
      const after = this.#judged.preview(service, this.#book.under(pool));
      return after.up ? [] : [after];
    });
  }

  #hopsChanged(addresses: ReadonlySet<string>): void {
    for (const { name, backends } of this.#pools.values())
      if (backends.some(({ address }) => addresses.has(address))) this.#touch(name);
  }

  /** Once a second: what only time changes. */
  tick(): void {
    this.#backends.settle();
    this.#rings.advance(this.#now());
    for (const { pool, view } of this.#book.list()) if (view.state === 'draining') this.#touch(pool);
    for (const pool of this.#unfinished) this.#touch(pool);
    this.#unfinished.clear();
    this.#judged.judgeWaiting(this.#spec.services);
    void this.sweeper.run().catch(this.#options.onError);
    void this.nat.run().catch(this.#options.onError);
  }

  /** An operator's word about a backend has changed. Returns when packets see it. */
  async overridden(pool: string): Promise<void> {
    this.#touch(pool);
    await this.idle();
  }

  close(): void {
    this.#closed = true;
    for (const end of this.#subscriptions) end();
    this.sweeper.close();
    this.nat.close();
  }
}
