/**
 * The mirror of the kernel's routes: follows rtnetlink, keeps the RIB, writes the tables, and says when they may be
 * believed (see trust.ts).
 *
 * It reads everything (reading.ts), builds the tables while nobody believes them, and follows changes (changes.ts) from
 * then on. Nothing here runs long: work is done in slices of a few milliseconds, between which announcements are taken.
 * Changes that come faster than they can be written make the tables untrusted until they are: an answer is never older
 * than `LAG_MS`. Losing announcements (ENOBUFS), or a difference, has everything read again.
 */
import { threadCpuMs } from '../../bpf/libc.ts';
import { netlinkConstants, RouteNetlink } from '../../netlink/index.ts';
import { MulticastSocket } from '../../netlink/multicast-socket.ts';
import { BuildingGrace, timedGrace } from '../fib/index.ts';
import { FibWriter } from '../rib/index.ts';
import { mirrorAnswer, randomAddress, randomSource, tableAnswer } from './answers.ts';
import { Changes } from './changes.ts';
import { MirrorMemory, type Tables } from './memory.ts';
import { readRoutes } from './reading.ts';
import { RuleReader } from './rule-reader.ts';
import { Sampler } from './sampler.ts';
import { expectedRoutes, newSides, type Sides, sideOf } from './side.ts';
import { Slices } from './slices.ts';
import { familyState, type MirrorAnswer, type MirrorState, type Resync, workerBytes } from './state.ts';
import { Surroundings } from './surroundings.ts';
import { Trust } from './trust.ts';

/** Prefixes written between two looks at the clock. */
const BATCH = 64;
/** Datagrams taken in one go. */
const DATAGRAMS = 128;
/** Longest time a change may be known and not written while packets still get answers. */
const LAG_MS = 20;
/** Packets that began before are gone by then. */
const GRACE_MS = 250;
const RETRY_MS = 200;
/** Every interface's IPv6 MTU is read once a second, some at a time. */
const MTU_POLLS_PER_SECOND = 20;
/** Differences found in this time end the mirror: what it does not model is on this box. */
const DIFFERENCES_MAX = 3;
const DIFFERENCES_MS = 600_000;

export interface EngineOptions {
  /** Where the maps are pinned. */
  readonly folder: string;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export class MirrorEngine implements Disposable {
  readonly #log: EngineOptions['log'];
  readonly #grace = new BuildingGrace(timedGrace(GRACE_MS));
  readonly #memory: MirrorMemory;
  readonly #netlink = RouteNetlink.open();
  readonly #socket: MulticastSocket;
  readonly #surroundings = new Surroundings();
  readonly #sides: Sides = newSides();
  readonly #trust: Trust;
  readonly #rules: RuleReader;
  readonly #changes: Changes;
  readonly #sampler: Sampler;
  readonly #slices = new Slices();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #differences: number[] = [];
  readonly #resyncs: Record<string, number> = {};
  /** Set while they may be written. */
  #tables: Tables | undefined;
  /** Everything is being read, or the tables are being built. */
  #running = false;
  #again: string | undefined;
  #dirtySince: number | undefined;
  #scheduled = false;
  #closed = false;
  #lagged = 0;
  #longestLag = 0;
  #lastResync: Resync | undefined;

  constructor({ folder, log }: EngineOptions) {
    this.#log = log;
    this.#memory = new MirrorMemory(folder, this.#grace, expectedRoutes);
    this.#trust = new Trust(this.#memory, this.#sides);
    this.#rules = new RuleReader({
      read: () => this.#netlink.rules(),
      sides: this.#sides,
      onRetry: () => this.#schedule(),
    });
    this.#changes = new Changes({
      sides: this.#sides,
      surroundings: this.#surroundings,
      onRules: () => {
        this.#rules.invalidate();
        this.#trust.rulesStale = true;
        this.#trust.publish();
      },
      onDoubt: (cause) => this.resync(cause),
    });
    this.#socket = MulticastSocket.open({
      groups: Object.values(netlinkConstants.multicastGroups),
      receiveBufferBytes: 64 << 20,
      budget: DATAGRAMS,
      onMessage: (view, type, flags, _sequence, start, end) => {
        this.#changes.take(view, type, flags, start, end);
        this.#dirty();
      },
      onOverrun: () => this.resync('overrun'),
    });
    this.#sampler = new Sampler({
      answer: (address) => this.#tableAnswer(address),
      random: () => randomAddress(this.#sides[Math.random() < 0.5 ? 0 : 1]),
      onDifference: (text) => this.#onDifference(text),
      source: (family) => randomSource(sideOf(this.#sides, family)),
    });
  }

  /** Reads everything and follows it from then on. */
  start(): void {
    this.resync('start');
    this.#every(250, () => this.#maintain());
    this.#every(20, () => this.#sample());
    this.#every(1000 / MTU_POLLS_PER_SECOND, () => {
      const count = Math.ceil(this.#surroundings.links.size / MTU_POLLS_PER_SECOND);
      for (const ifindex of this.#surroundings.pollMtu6(count)) this.#changes.refreshLink(ifindex);
    });
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms));
  }

  /** Stops being trusted and reads everything again. */
  resync(cause: string): void {
    if (this.#trust.givenUp) return;
    this.#resyncs[cause] = (this.#resyncs[cause] ?? 0) + 1;
    this.#trust.synced = false;
    this.#trust.publish();
    this.#again = cause;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      while (this.#again !== undefined && !this.#closed) {
        const cause = this.#again;
        this.#again = undefined;
        try {
          await this.#readEverything(cause);
        } catch (error) {
          if (this.#closed) return;
          this.#log(
            'warn',
            `read the kernel's routes: ${error instanceof Error ? error.message : error}; trying again`,
          );
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
          this.#again ??= cause;
        }
      }
    } finally {
      this.#running = false;
      if (this.#closed) this.#memory.close();
      else this.#schedule();
    }
  }

  get #cancelled(): boolean {
    return this.#closed || this.#again !== undefined;
  }

  async #readEverything(cause: string): Promise<void> {
    const started = performance.now();
    const cpuStarted = threadCpuMs();
    const at = Date.now();
    this.#tables = undefined;
    this.#sampler.clear();
    this.#changes.hold();
    this.#trust.lagging = false;
    for (const side of this.#sides) side.writer = side.table = undefined;
    this.#rules.invalidate();
    this.#readRules();
    const complete = await readRoutes({
      netlink: this.#netlink,
      sides: this.#sides,
      surroundings: this.#surroundings,
      changes: this.#changes,
      slices: this.#slices,
      drain: () => this.#socket.drain(DATAGRAMS),
      cancelled: () => this.#cancelled,
    });
    if (!complete) return;
    this.#changes.release();
    const dumpMs = performance.now() - started;
    while (performance.now() - started < GRACE_MS) await new Promise((resolve) => setTimeout(resolve, 10));
    if (!(await this.#build())) return;
    this.#trust.synced = true;
    this.#dirtySince = performance.now();
    this.#catchUp();
    const cpuMs = threadCpuMs() - cpuStarted;
    const routes = this.#sides.reduce((sum, { rib }) => sum + rib.statistics.routes, 0);
    this.#lastResync = { cause, at, dumpMs, totalMs: performance.now() - started, cpuMs, routes };
    this.#log('info', 'routes mirrored', { ...this.#lastResync });
  }

  /** Writes the tables from nothing, which nobody reads meanwhile. @returns whether it came to its end. */
  async #build(): Promise<boolean> {
    this.#slices.begin();
    this.#grace.unread = true;
    const tables = await this.#memory.wipe(
      () => this.#slices.breathe(),
      () => this.#cancelled,
    );
    if (!tables) return false;
    for (const side of this.#sides) {
      const table = side.family === 4 ? tables.ipv4 : tables.ipv6;
      side.table = table;
      side.writer = new FibWriter(side.rib, table, tables.nextHops, (leg) =>
        this.#surroundings.resolve(leg, side.family),
      );
      side.writer.onWritten = (address) => {
        if (this.#trust.synced) this.#sampler.changed(address, side.family);
      };
      side.rib.noting = true;
    }
    this.#tables = tables;
    for (const { writer } of this.#sides)
      while (writer?.writeAll(BATCH)) {
        const turn = this.#slices.breathe();
        if (turn) await turn;
        if (this.#cancelled) return false;
      }
    while (this.#work() > 0) {
      await this.#slices.breathe();
      if (this.#cancelled) return false;
    }
    this.#grace.unread = false;
    return true;
  }

  #readRules(): void {
    this.#rules.refresh();
    this.#trust.rulesStale = this.#rules.stale;
  }

  /** Something changed that is not written yet. */
  #dirty(): void {
    this.#dirtySince ??= performance.now();
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#running || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#closed && !this.#running) this.#catchUp();
    });
  }

  /** Takes and writes what has come, for a slice; trusts the tables again when nothing is left. */
  #catchUp(): void {
    if (!this.#tables || this.#closed) return;
    this.#slices.begin();
    let left = 1;
    let empty = false;
    while (performance.now() < this.#slices.deadline && (left > 0 || !empty)) {
      empty = this.#socket.drain(DATAGRAMS);
      if (!this.#trust.synced) return; // the drain told of a loss
      this.#readRules();
      left = this.#work();
    }
    const now = performance.now();
    const lag = this.#dirtySince === undefined ? 0 : now - this.#dirtySince;
    this.#slices.end();
    this.#longestLag = Math.max(this.#longestLag, lag);
    if (left === 0 && empty) {
      this.#dirtySince = undefined;
      this.#trust.lagging = false;
    } else {
      if (lag > LAG_MS && !this.#trust.lagging) {
        this.#trust.lagging = true;
        this.#lagged++;
      }
      this.#schedule();
    }
    this.#trust.publish();
  }

  /** A little of what is to be done: messages first. @returns how much is left; 0: nothing. */
  #work(): number {
    if (this.#changes.isPending()) {
      this.#changes.proceed(this.#slices.deadline);
      if (this.#changes.isPending()) return 1;
    }
    const [four, six] = this.#sides;
    if (!four.writer || !six.writer || !this.#tables) return 0;
    this.#tables.nextHops.settle();
    return four.writer.write(BATCH) + six.writer.write(BATCH);
  }

  /** Four times a second: what waited for packets to be gone, and the lease. */
  #maintain(): void {
    if (this.#tables && !this.#running) {
      this.#slices.begin();
      if (this.#tables.nextHops.settle() > 0) this.#schedule();
      const more = (): boolean => performance.now() < this.#slices.deadline;
      for (const table of [this.#tables.ipv4, this.#tables.ipv6]) table.repair(more);
      this.#slices.end();
    }
    this.#trust.publish();
  }

  #sample(): void {
    if (!this.#trust.synced || this.#trust.lagging || this.#dirtySince !== undefined) return;
    this.#sampler.run(2, 2);
  }

  #onDifference(text: string): void {
    const now = performance.now();
    this.#differences.push(now);
    while (this.#differences[0]! < now - DIFFERENCES_MS) this.#differences.shift();
    if (this.#differences.length < DIFFERENCES_MAX) {
      this.#log('error', `the mirror differs from the kernel, everything is read again: ${text}`);
      this.resync('difference');
      return;
    }
    this.#trust.givenUp = true;
    this.#trust.publish();
    this.#log('error', `the mirror differs from the kernel again and again, it is not used any more: ${text}`);
  }

  #tableAnswer(address: Uint8Array): ReturnType<typeof tableAnswer> {
    const side = sideOf(this.#sides, address.length === 4 ? 4 : 6);
    return this.#tables && tableAnswer(side, this.#tables.nextHops, address);
  }

  /** What packets to this address get from the tables. */
  answer(address: Uint8Array): MirrorAnswer {
    const side = sideOf(this.#sides, address.length === 4 ? 4 : 6);
    return mirrorAnswer(this.#tableAnswer(address), this.#trust.whyNot(side), this.#surroundings, side.family);
  }

  /** Resets what is "of the last second". */
  state(): MirrorState {
    const [four, six] = this.#sides;
    const state: MirrorState = {
      ipv4: familyState(four, this.#trust.whyNot(four)),
      ipv6: familyState(six, this.#trust.whyNot(six)),
      nextHops: this.#tables?.nextHops.statistics ?? { used: 0, capacity: 0, pending: 0 },
      tableBytes: this.#memory.bytes,
      workerBytes: workerBytes(this.#sides),
      resyncs: { ...this.#resyncs },
      lastResync: this.#lastResync,
      overruns: this.#socket.counters.overruns,
      lagged: this.#lagged,
      lagMs: this.#longestLag,
      longestSliceMs: this.#slices.longest,
      longestSliceCpuMs: this.#slices.longestCpu,
      events: this.#changes.events,
      sampler: this.#sampler.counters,
    };
    this.#longestLag = 0;
    return state;
  }

  /** Packets ask the kernel from now on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#trust.withdraw();
    this.#socket.close();
    this.#sampler.close();
    this.#rules.close();
    this.#netlink.close();
    // What is being built is left at the next look at #closed.
    if (!this.#running) this.#memory.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
