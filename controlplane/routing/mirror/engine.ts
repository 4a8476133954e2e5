/**
 * The mirror of the kernel's routes: follows rtnetlink, keeps the RIB, writes the tables, and says when they may be
 * believed.
 *
 * Order is what makes it right. Everything is told first and read afterwards: groups joined, tables read, announcements
 * applied behind the part of the reading they may be younger than (see route-dump.ts). The tables are trusted only
 * while all of this holds: everything was read, every change up to now is written, the family has no rules but the
 * kernel's own, and the sampler found no difference. They stop being trusted by one store, and packets ask the kernel.
 *
 * Nothing here runs long: work is done in slices of a few milliseconds, between which announcements are taken. Changes
 * that come faster than they can be written make the tables untrusted until they are: an answer is never older than
 * `LAG_MS`. Losing announcements (ENOBUFS), or a difference, has everything read again.
 */

import { readAddress } from '../../netlink/address.ts';
import * as c from '../../netlink/constants.ts';
import { type Link, netlinkConstants, RouteNetlink, RouteView, type Rule } from '../../netlink/index.ts';
import { readLink } from '../../netlink/link.ts';
import { MulticastSocket } from '../../netlink/multicast-socket.ts';
import { readNeighbor } from '../../netlink/neighbor.ts';
import { readNexthop } from '../../netlink/nexthop.ts';
import { lengthOf, numberOf, timedGrace } from '../fib/index.ts';
import { FibWriter, localTable, mainTable, Rib } from '../rib/index.ts';
import { describeNexthop, describeRoute } from './describe.ts';
import { EventLog } from './event-log.ts';
import type { MirrorMemory, Tables } from './memory.ts';
import { dumpRoutes } from './route-dump.ts';
import { unusualRule } from './rules.ts';
import { Sampler, type TableAnswer } from './sampler.ts';
import type { FamilyState, MirrorAnswer, MirrorState, Resync } from './state.ts';
import { Surroundings } from './surroundings.ts';

const SLICE_MS = 4;
/** Prefixes written between two looks at the clock. */
const BATCH = 256;
/** Datagrams taken in one go. */
const DATAGRAMS = 128;
/** Longest time a change may be known and not written while packets still get answers. */
const LAG_MS = 20;
/** Packets that began before are gone by then. */
const GRACE_MS = 250;
const RETRY_MS = 200;
/** The lease, in units of the daemon's renewals, of which there is one a second. */
const LEASE_SECONDS = 3n;
/** Of the jiffies between two renewals, `settings.lease` is this many ahead. */
const SETTINGS_SECONDS = 5n;
/** Interrupted readings of a table that are tried again before all is begun anew. */
const DUMP_TRIES = 6;
/** Differences found in this time end the mirror: what it does not model is on this box. */
const DIFFERENCES_MAX = 3;
const DIFFERENCES_MS = 600_000;
const RTM_F_CLONED = 0x200;
/** Room from the start. More is possible, and takes a while to be made. */
export const expectedRoutes = { 4: 1_500_000, 6: 380_000 } as const;

interface Side {
  readonly family: 4 | 6;
  rib: Rib;
  writer: FibWriter | undefined;
  /** Why the family's rules keep the mirror out. */
  rule: string | undefined;
  valid: boolean;
}

export interface EngineOptions {
  readonly memory: MirrorMemory;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export class MirrorEngine implements Disposable {
  readonly #memory: MirrorMemory;
  readonly #log: EngineOptions['log'];
  readonly #netlink = RouteNetlink.open();
  readonly #socket: MulticastSocket;
  readonly #surroundings = new Surroundings();
  readonly #sides: { readonly 4: Side; readonly 6: Side } = { 4: newSide(4), 6: newSide(6) };
  readonly #sampler: Sampler;
  readonly #grace = timedGrace(GRACE_MS);
  readonly #view = new RouteView();
  readonly #address = new Uint32Array(4);
  readonly #aside = new EventLog();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #differences: number[] = [];
  readonly #resyncs: Record<string, number> = {};
  #tables: Tables | undefined;
  /** Routes are being read: announcements are set aside. */
  #reading = false;
  #running = false;
  #again: string | undefined;
  #synced = false;
  #givenUp = false;
  #rulesStale = false;
  #lagging = false;
  #dirtySince: number | undefined;
  #scheduled = false;
  #closed = false;
  #sliceStart = 0;
  #lagged = 0;
  #longestLag = 0;
  #longestSlice = 0;
  #events = 0;
  #lastResync: Resync | undefined;

  constructor({ memory, log }: EngineOptions) {
    this.#memory = memory;
    this.#log = log;
    this.#memory.trust = { lease: 0n, ipv4: 0, ipv6: 0 };
    this.#socket = MulticastSocket.open({
      groups: Object.values(netlinkConstants.multicastGroups),
      receiveBufferBytes: 64 << 20,
      budget: DATAGRAMS,
      onMessage: (view, type, flags, _sequence, start, end) => {
        if (this.#reading) this.#aside.push(view, type, flags, start, end);
        else this.#apply(view, type, flags, start, end);
      },
      onOverrun: () => this.resync('overrun'),
    });
    this.#sampler = new Sampler({
      answer: (address) => this.#tableAnswer(address),
      random: () => this.#randomAddress(),
      onDifference: (text) => this.#onDifference(text),
      objectLegs: (id, family) => this.#sides[family].rib.hops.legsOfObject(id),
    });
  }

  /** Reads everything and follows it from then on. */
  start(): void {
    this.resync('start');
    this.#every(250, () => this.#renewLease());
    this.#every(20, () => this.#sample());
    this.#every(1000, () => {
      for (const ifindex of this.#surroundings.pollMtu6()) this.#refreshLink(ifindex);
    });
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms));
  }

  /** Stops being trusted and reads everything again. */
  resync(cause: string): void {
    if (this.#givenUp) return;
    this.#resyncs[cause] = (this.#resyncs[cause] ?? 0) + 1;
    this.#synced = false;
    this.#publish();
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
      this.#schedule();
    }
  }

  async #readEverything(cause: string): Promise<void> {
    const started = performance.now();
    const at = Date.now();
    this.#tables = undefined;
    this.#sampler.clear();
    this.#reading = true;
    this.#aside.clear();
    this.#lagging = false;
    for (const side of [this.#sides[4], this.#sides[6]]) {
      side.rib = new Rib(side.family === 4 ? 1 : 4, expectedRoutes[side.family]);
      side.rib.noting = false;
      side.writer = undefined;
    }
    this.#readSurroundings();
    this.#sliceStart = performance.now();
    for (const family of [4, 6] as const)
      for (const table of [localTable, mainTable]) if (!(await this.#readTable(family, table))) return;
    this.#reading = false;
    this.#aside.replay((...message) => this.#apply(...message));
    const dumpMs = performance.now() - started;

    while (performance.now() - started < GRACE_MS) await new Promise((resolve) => setTimeout(resolve, 10));
    const tables = await this.#memory.wipe(this.#grace, expectedRoutes, () => this.#breathe());
    if (this.#closed || this.#again !== undefined) return;
    for (const side of [this.#sides[4], this.#sides[6]]) {
      const table = side.family === 4 ? tables.ipv4 : tables.ipv6;
      side.writer = new FibWriter(side.rib, table, tables.nextHops, (leg) =>
        this.#surroundings.resolve(leg, side.family),
      );
      side.writer.onWritten = (address) => {
        if (this.#synced) this.#sampler.changed(address, side.family);
      };
    }
    for (const { rib } of [this.#sides[4], this.#sides[6]]) rib.noting = true;
    this.#tables = tables;
    for (const { writer } of [this.#sides[4], this.#sides[6]])
      while (writer?.writeAll(BATCH)) {
        await this.#breathe();
        if (this.#closed || this.#again !== undefined) return;
      }
    while (this.#writeSome() > 0) await this.#breathe();
    if (this.#closed || this.#again !== undefined) return;
    this.#synced = true;
    this.#dirtySince = performance.now();
    this.#catchUp();
    const routes = this.#sides[4].rib.statistics.routes + this.#sides[6].rib.statistics.routes;
    this.#lastResync = { cause, at, dumpMs, totalMs: performance.now() - started, routes };
    this.#log('info', 'routes mirrored', { ...this.#lastResync });
  }

  /** What is small is read at once. */
  #readSurroundings(): void {
    const netlink = this.#netlink;
    this.#surroundings.clear();
    for (const link of netlink.links()) this.#surroundings.setLink(link);
    for (const address of netlink.addresses()) this.#surroundings.addAddress(address);
    for (const neighbor of netlink.neighbors()) this.#surroundings.setNeighbor(neighbor);
    for (const nexthop of netlink.nexthops())
      for (const family of [4, 6] as const)
        this.#sides[family].rib.nexthopDefined(nexthop.id, describeNexthop(nexthop));
    this.#readRules();
  }

  /** @returns whether to go on. */
  async #readTable(family: 4 | 6, table: number): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      const consistent = await dumpRoutes({
        family,
        table,
        visit: (route) => this.#sides[family].rib.add(describeRoute(route, this.#address), 'append'),
        onPart: () => {
          this.#aside.replay((...message) => this.#apply(...message));
          this.#socket.drain(DATAGRAMS);
          return !this.#closed && this.#again === undefined;
        },
        breathe: () => this.#breathe(),
      });
      if (consistent === undefined) return false;
      // IPv4 goes on by key where it was, whatever changed; IPv6 counts, and may have skipped something.
      if (consistent || family === 4) return true;
      if (tries === DUMP_TRIES) throw new Error(`IPv${family} routes change too fast to be read`);
    }
  }

  /** Gives way when a slice is over. */
  #breathe(): Promise<void> | undefined {
    const now = performance.now();
    if (now - this.#sliceStart < SLICE_MS) return undefined;
    this.#longestSlice = Math.max(this.#longestSlice, now - this.#sliceStart);
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#sliceStart = performance.now();
        resolve();
      }),
    );
  }

  #apply(view: DataView, type: number, flags: number, start: number, end: number): void {
    this.#events++;
    switch (type) {
      case c.RTM_NEWROUTE:
      case c.RTM_DELROUTE:
        this.#applyRoute(view, type === c.RTM_NEWROUTE, flags, start, end);
        break;
      case c.RTM_NEWNEIGH:
      case c.RTM_DELNEIGH: {
        const neighbor = readNeighbor(view, start, end);
        if (!neighbor) return;
        const gone = type === c.RTM_DELNEIGH;
        const leg = gone ? this.#surroundings.removeNeighbor(neighbor) : this.#surroundings.setNeighbor(neighbor);
        for (const side of [this.#sides[4], this.#sides[6]]) side.writer?.refreshLeg(leg);
        break;
      }
      case c.RTM_NEWLINK:
      case c.RTM_DELLINK: {
        const link = readLink(view, start, end);
        if (link) this.#applyLink(link, type === c.RTM_DELLINK);
        break;
      }
      case c.RTM_NEWADDR: {
        const address = readAddress(view, start, end);
        if (address) this.#surroundings.addAddress(address);
        break;
      }
      case c.RTM_DELADDR:
        this.#removeAddress(view, start, end);
        break;
      case c.RTM_NEWNEXTHOP:
      case c.RTM_DELNEXTHOP: {
        const nexthop = readNexthop(view, start, end);
        if (!nexthop) return;
        for (const { rib } of [this.#sides[4], this.#sides[6]])
          if (type === c.RTM_NEWNEXTHOP) rib.nexthopDefined(nexthop.id, describeNexthop(nexthop));
          else rib.nexthopDeleted(nexthop.id);
        break;
      }
      case c.RTM_NEWRULE:
      case c.RTM_DELRULE:
        this.#rulesStale = true;
        this.#publish();
        break;
      default:
        return;
    }
    this.#dirty();
  }

  #applyRoute(view: DataView, isNew: boolean, flags: number, start: number, end: number): void {
    const route = this.#view;
    if (!route.read(view, start, end) || route.flags & RTM_F_CLONED) return;
    if (route.table !== mainTable && route.table !== localTable) return;
    const { rib } = this.#sides[route.family];
    const description = describeRoute(route, this.#address);
    if (!isNew) rib.delete(description);
    else rib.add(description, flags & c.NLM_F_REPLACE ? 'replace' : flags & c.NLM_F_APPEND ? 'append' : 'create');
  }

  /** Down or gone: what the kernel drops with it, with or without a message, is dropped. */
  #applyLink(link: Link, gone: boolean): void {
    const before = this.#surroundings.links.get(link.index);
    const wasUp = before?.up ?? false;
    const changed = gone || this.#surroundings.setLink(link);
    if (gone) this.#surroundings.removeLink(link.index);
    for (const { rib } of [this.#sides[4], this.#sides[6]])
      if (gone || (!link.up && wasUp)) rib.linkDown(link.index);
      else if (link.up && !wasUp) rib.linkUp(link.index);
    if (changed) this.#refreshLink(link.index);
  }

  #removeAddress(view: DataView, start: number, end: number): void {
    const address = readAddress(view, start, end);
    if (address?.family !== 4) return;
    const { wasLast, isGone } = this.#surroundings.removeAddress(address);
    const { rib } = this.#sides[4];
    if (isGone) rib.sourceGone(new DataView(address.bytes.buffer, address.bytes.byteOffset, 4).getUint32(0));
    if (!wasLast) return;
    // An interface without an IPv4 address loses its IPv4 routes, as if it went down.
    rib.linkDown(address.ifindex);
    if (this.#surroundings.links.get(address.ifindex)?.up) rib.linkUp(address.ifindex);
  }

  #refreshLink(ifindex: number): void {
    for (const side of [this.#sides[4], this.#sides[6]]) side.writer?.refresh((leg) => leg.ifindex === ifindex);
  }

  #readRules(): void {
    let rules: readonly Rule[];
    try {
      rules = this.#netlink.rules();
    } catch {
      return; // they changed while being read: they are read again, and are not trusted until then
    }
    this.#rulesStale = false;
    for (const family of [4, 6] as const) this.#sides[family].rule = unusualRule(rules, family);
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
    this.#sliceStart = performance.now();
    let left = 1;
    let empty = false;
    while (performance.now() - this.#sliceStart < SLICE_MS && (left > 0 || !empty)) {
      empty = this.#socket.drain(DATAGRAMS);
      if (!this.#synced) return; // the drain told of a loss
      if (this.#rulesStale) this.#readRules();
      left = this.#writeSome();
    }
    const now = performance.now();
    const lag = this.#dirtySince === undefined ? 0 : now - this.#dirtySince;
    this.#longestSlice = Math.max(this.#longestSlice, now - this.#sliceStart);
    this.#longestLag = Math.max(this.#longestLag, lag);
    if (left === 0 && empty && !this.#rulesStale) {
      this.#dirtySince = undefined;
      this.#lagging = false;
    } else {
      if (lag > LAG_MS && !this.#lagging) {
        this.#lagging = true;
        this.#lagged++;
      }
      this.#schedule();
    }
    this.#publish();
  }

  /** @returns prefixes left to write. */
  #writeSome(): number {
    const [four, six] = [this.#sides[4].writer, this.#sides[6].writer];
    if (!four || !six || !this.#tables) return 0;
    this.#tables.nextHops.settle();
    return four.write(BATCH) + six.write(BATCH);
  }

  /** Tells packets what to believe. */
  #publish(): void {
    const sure = this.#synced && !this.#lagging && !this.#rulesStale && !this.#givenUp;
    for (const side of [this.#sides[4], this.#sides[6]]) side.valid = sure && side.rule === undefined;
    this.#memory.trust = {
      lease: this.#leaseEnd(),
      ipv4: Number(this.#sides[4].valid),
      ipv6: Number(this.#sides[6].valid),
    };
  }

  /** As the daemon's own lease, but shorter: a mirror nobody keeps is wrong sooner than anything else. */
  #leaseEnd(): bigint {
    const { lease, renewed } = this.#memory.settings;
    if (lease <= renewed) return 0n;
    return renewed + ((lease - renewed) * LEASE_SECONDS) / SETTINGS_SECONDS;
  }

  #renewLease(): void {
    if (this.#tables) {
      if (this.#tables.nextHops.settle() > 0) this.#schedule();
      this.#tables.ipv4.repair();
      this.#tables.ipv6.repair();
    }
    this.#publish();
  }

  #sample(): void {
    if (!this.#synced || this.#lagging || this.#dirtySince !== undefined) return;
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
    this.#givenUp = true;
    this.#publish();
    this.#log('error', `the mirror differs from the kernel again and again, it is not used any more: ${text}`);
  }

  #tableAnswer(address: Uint8Array): TableAnswer | undefined {
    const side = this.#sides[address.length === 4 ? 4 : 6];
    if (!side.valid || !this.#tables || !side.writer) return undefined;
    const words = wordsOf(address);
    const table = side.family === 4 ? this.#tables.ipv4 : this.#tables.ipv6;
    const entry = table.lookup(words);
    const number = numberOf(entry);
    const leg = number === 0 || !this.#tables.nextHops.isReady(number) ? undefined : side.writer.legOf(number);
    return leg?.gateway && { length: lengthOf(entry), ifindex: leg.ifindex, gateway: leg.gateway };
  }

  #randomAddress(): Uint8Array | undefined {
    const side = this.#sides[Math.random() < 0.5 ? 4 : 6];
    const words = new Uint32Array(4);
    const length = side.rib.randomPrefix(words);
    if (length < 0) return undefined;
    const bytes = new Uint8Array(side.family === 4 ? 4 : 16);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length / 4; i++) {
      const host = Math.min(32, Math.max(0, (i + 1) * 32 - length));
      const random = host === 0 ? 0 : Math.floor(Math.random() * 2 ** host);
      view.setUint32(i * 4, (words[i]! | random) >>> 0);
    }
    return bytes;
  }

  /** What packets to this address get from the tables. */
  answer(address: Uint8Array): MirrorAnswer {
    const side = this.#sides[address.length === 4 ? 4 : 6];
    const answer = this.#tableAnswer(address);
    const none = { ifindex: undefined, gateway: undefined, destinationMac: undefined, sourceMac: undefined };
    if (!answer)
      return {
        ...none,
        answers: false,
        why: this.#whyNot(side) ?? 'the route is not plain, or its next hop is not resolved',
        prefixLength: undefined,
        mtu: undefined,
      };
    const hop = this.#surroundings.resolve(answer, side.family);
    return {
      answers: true,
      why: undefined,
      prefixLength: answer.length,
      ifindex: answer.ifindex,
      gateway: answer.gateway,
      destinationMac: hop?.destination,
      sourceMac: hop?.source,
      mtu: hop?.mtu,
    };
  }

  #whyNot(side: Side): string | undefined {
    if (side.valid) return undefined;
    if (this.#givenUp) return 'it differed from the kernel again and again';
    if (!this.#synced) return 'the routes are being read';
    if (side.rule !== undefined) return `policy rules are the kernel's: ${side.rule}`;
    if (this.#lagging) return 'routes change faster than they are written';
    return 'rules are being read';
  }

  /** Resets what is "of the last second". */
  state(): MirrorState {
    const tables = this.#tables;
    const none = {
      prefixes: 0,
      groupsUsed: 0,
      groupsWaiting: 0,
      groupsCapacity: 0,
      listsUsed: 0,
      listsWaiting: 0,
      listsCapacity: 0,
      crowdedSlots: 0,
      tableBytes: 0,
      bookkeepingBytes: 0,
    };
    const family = (side: Side): FamilyState => ({
      valid: side.valid,
      why: this.#whyNot(side),
      routes: side.rib.statistics,
      table: (side.family === 4 ? tables?.ipv4 : tables?.ipv6)?.statistics ?? none,
      pending: side.rib.changed,
    });
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    const state: MirrorState = {
      ipv4: family(this.#sides[4]),
      ipv6: family(this.#sides[6]),
      nextHops: tables?.nextHops.statistics ?? { used: 0, capacity: 0, pending: 0 },
      tableBytes: this.#memory.bytes,
      workerBytes: heapUsed + arrayBuffers,
      resyncs: { ...this.#resyncs },
      lastResync: this.#lastResync,
      overruns: this.#socket.counters.overruns,
      lagged: this.#lagged,
      lagMs: this.#longestLag,
      longestSliceMs: this.#longestSlice,
      events: this.#events,
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
    this.#memory.trust = { lease: 0n, ipv4: 0, ipv6: 0 };
    this.#socket.close();
    this.#sampler.close();
    this.#netlink.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function newSide(family: 4 | 6): Side {
  return { family, rib: new Rib(family === 4 ? 1 : 4), writer: undefined, rule: undefined, valid: false };
}

function wordsOf(address: Uint8Array): Uint32Array {
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  return Uint32Array.from({ length: address.length / 4 }, (_, i) => view.getUint32(i * 4));
}
