/**
 * The kernel's routes of one family, followed message by message: all tables, every prefix's routes in the order the
 * kernel tries them.
 *
 * Routes of a prefix differ by TOS, priority and source prefix; `append` allows equals behind, plain `create` puts equals in front,
 * and `replace` takes the place of the first equal (of its own kind, with or without gateway, in IPv6). IPv6 tells a
 * grown multipath route whole, and a lost leg alone.
 *
 * IPv4 routes vanish without a message when their interface goes down or their nexthop object is deleted; `linkDown`
 * and `nexthopDeleted` take them out here too. Whatever changes puts its prefix on a list of prefixes to look at again
 * (`takeChanged`), and a hop that something was pulled from under is suspended at once: `onSuspend` can have packets ask
 * the kernel with one store, before any prefix is recomputed.
 *
 * Half a table may hang on one interface. What concerns many routes at once is returned as {@link Work}: its first part
 * is done already (the hops are suspended), the rest is the caller's to carry on with, and no other message may be applied
 * before its end.
 */
import { PrefixTable } from '../fib/index.ts';
import { ChangedPrefixes } from './changed-prefixes.ts';
import { grownFrom, replaced, sameWay, withLegs } from './equal-routes.ts';
import { type Hop, type HopDescription, HopRegistry, legKey, type NexthopObject } from './hop-registry.ts';
import { RouteStore } from './route-store.ts';
import { inTurn, type Work } from './work.ts';

/** A route as a message tells it. Bits of the address behind `length` are ignored. */
export interface RouteDescription {
  readonly table: number;
  /** 32-bit words, most significant first, host order. */
  readonly address: Uint32Array;
  readonly length: number;
  readonly tos: number;
  readonly priority: number;
  /** RTN_… */
  readonly type: number;
  /** RTPROT_… */
  readonly protocol: number;
  readonly hop: HopDescription;
}

/** NLM_F_REPLACE and NLM_F_APPEND of the message; a dump's routes are appended. */
export type AddMode = 'create' | 'append' | 'replace';

export interface RibStatistics {
  readonly routes: number;
  readonly hops: number;
  readonly tables: number;
  /** Deletions of routes that were not known: a sign of lost messages. */
  readonly strayDeletions: number;
  readonly bytes: number;
}

const RTN_LOCAL = 2;
/** Routes a step of work. */
const STEP = 128;
const none: readonly number[] = [];

function describedBy({ legs, plain, nexthop, source, from }: Hop): HopDescription {
  return {
    legs,
    plain,
    ...(nexthop === undefined ? {} : { nexthop }),
    ...(source === undefined ? {} : { source }),
    ...(from === undefined ? {} : { from }),
  };
}

export const localTable = 255;
export const mainTable = 254;

export class Rib {
  readonly words: 1 | 4;
  /** Called when a hop is no longer to be trusted. */
  onSuspend: (hop: Hop) => void = () => {};
  #hops = new HopRegistry();
  readonly #store: RouteStore;
  readonly #main: PrefixTable;
  readonly #local: PrefixTable;
  readonly #others = new Map<number, PrefixTable>();
  readonly #changed: ChangedPrefixes;
  /** Interfaces that went down: what is said of them later was dropped with them. */
  readonly #down = new Set<number>();
  #noting = true;
  #strayDeletions = 0;

  /**
   * `words`: 1 for IPv4, 4 for IPv6. `expected`: routes there is room for from the start; memory that is not used yet
   * costs nothing, and growing the store of a large table takes long.
   */
  constructor(words: 1 | 4, expected = 1000, room = expected) {
    this.words = words;
    this.#store = new RouteStore(words, Math.ceil(room * 1.1));
    this.#main = new PrefixTable(words, expected);
    this.#local = new PrefixTable(words);
    this.#changed = new ChangedPrefixes(words, this.#main);
  }

  /** Forgets everything; the memory stays. Changes are not noted from then on. */
  clear(): void {
    this.#hops = new HopRegistry();
    this.#store.clear();
    this.#main.clear();
    this.#local.clear();
    this.#others.clear();
    this.#changed.clear();
    this.#down.clear();
    this.#noting = false;
    this.#strayDeletions = 0;
  }

  get hops(): HopRegistry {
    return this.#hops;
  }

  /**
   * While everything is read for the first time, changes are not noted: `highest` and `prefixOf` lead through all of it
   * afterwards.
   */
  set noting(on: boolean) {
    this.#noting = on;
  }

  /** Routes have numbers up to this. */
  get highest(): number {
    return this.#store.highest;
  }

  /** The first route from number `from` on whose prefix has this length; 0: there is none. */
  nextOfLength(from: number, length: number): number {
    return this.#store.nextOfLength(from, length);
  }

  /** Copies the prefix of a route by its number. @returns its length, -1 when there is no such route. */
  prefixOf(route: number, target: Uint32Array): number {
    const store = this.#store;
    if (store.hop(route) === 0) return -1;
    store.copyAddress(route, target);
    return store.length(route);
  }

  /** Has the processor fetch what looking a prefix of the main table up will look at: see PrefixTable.warm. */
  warm(address: Uint32Array, length: number): number {
    return this.#main.warm(address, length);
  }

  /** RTM_NEWROUTE. */
  add(route: RouteDescription, mode: AddMode): void {
    const store = this.#store;
    const hop = this.hops.intern(route.hop);
    const table = this.#tableOf(route.table) ?? this.#makeTable(route.table);
    const place = table.add(route.address, route.length);
    if (table.valueAt(place) === 0) {
      const first = this.#store.create(route);
      store.setFirst(first, true);
      table.setValueAt(place, first);
      this.#describe(first, route, hop);
      return;
    }
    const equals = this.#equals(route);
    const same = equals.find((known) => this.#isSame(known, route, hop));
    if (same !== undefined && mode !== 'replace') return; // a dump tells what a message told already
    let target = 0;
    if (mode === 'replace') target = replaced(equals, hop, this.#hopOf, this.words);
    else if (this.words === 4 && mode === 'append') target = grownFrom(equals, hop, this.#hopOf);
    if (target === 0) {
      target = this.#store.create(route);
      this.#link(target, mode === 'create');
    } else if (same !== undefined && same !== target) {
      this.#drop(same);
    }
    this.#describe(target, route, hop);
  }

  /** What of a route may be replaced. */
  #describe(route: number, { type, protocol }: RouteDescription, hop: Hop): void {
    this.#store.setKind(route, type, protocol);
    this.#useHop(route, hop);
    this.#touch(route);
  }

  /** RTM_DELROUTE. @returns whether it was known. */
  delete(route: RouteDescription): boolean {
    const hop = this.hops.intern(route.hop);
    const equals = this.#equals(route);
    const exact = equals.find((known) => this.#isSame(known, route, hop));
    const shrunk = exact === undefined && this.words === 4 ? withLegs(equals, hop, this.#hopOf) : undefined;
    const only = shrunk === undefined && exact === undefined ? this.#meant(equals, route, hop) : undefined;
    if (shrunk !== undefined) {
      const gone = new Set(hop.legs.map(legKey));
      const known = this.#hopOf(shrunk);
      const legs = known.legs.filter((leg) => !gone.has(legKey(leg)));
      this.#useHop(shrunk, this.hops.intern({ ...describedBy(known), legs }));
      this.#touch(shrunk);
    } else if (exact !== undefined || only !== undefined) {
      this.#drop((exact ?? only)!);
    } else {
      this.#strayDeletions++;
    }
    this.hops.release(hop);
    return shrunk !== undefined || exact !== undefined || only !== undefined;
  }

  /** The route a deletion is about that names none exactly: by the same way, or the only one there is. */
  #meant(equals: readonly number[], { type }: RouteDescription, hop: Hop): number | undefined {
    const typed = equals.filter((route) => this.#store.type(route) === type);
    const alike = typed.find((route) => sameWay(this.#hopOf(route), hop));
    // IPv6 tells of what went with an interface or a nexthop object after it has told of that: another route is not meant.
    const { nexthop, legs } = hop;
    const wasDropped =
      nexthop === undefined
        ? legs.length > 0 && legs.every(({ ifindex }) => this.#down.has(ifindex))
        : !this.hops.hasObject(nexthop);
    return alike ?? (equals.length === 1 && !wasDropped ? typed[0] : undefined);
  }

  /**
   * The interface went down or away. What is lost by that without a message is lost here too: nexthop objects on it and
   * what stands on them, IPv4 routes always, IPv6 routes when the sysctl skip_notify_on_dev_down says so. This host's own
   * addresses stay until a message takes them.
   */
  linkDown(ifindex: number): Work {
    this.#down.add(ifindex);
    return inTurn([this.carrierLost(ifindex), this.#legsLost(ifindex)]);
  }

  /** The interface has lost its last IPv4 address: IPv4 routes on it go, but not those by a nexthop object. */
  addressesLost(ifindex: number): Work {
    return this.#legsLost(ifindex);
  }

  /**
   * The interface has no carrier any more, or is down: the kernel drops nexthop objects on it, groups lose them, and routes
   * go that have no other way. It tells nobody of any IPv4 route or of the objects.
   */
  carrierLost(ifindex: number): Work {
    return this.#nexthopsLost(this.hops.objectsOn(ifindex));
  }

  /** Routes that name the interface themselves. */
  #legsLost(ifindex: number): Work {
    const hops = this.hops.onInterface(ifindex).filter(({ nexthop }) => nexthop === undefined);
    for (const hop of hops) this.#suspend(hop);
    return this.#forRoutes(hops, (route, { legs }) => {
      const alone = legs.every((leg) => leg.ifindex === ifindex);
      if (alone && this.#store.type(route) !== RTN_LOCAL) this.#drop(route);
      else this.#touch(route);
    });
  }

  /** This host's address is gone: IPv4 routes that name it as their source go with it, with or without a message. */
  sourceGone(source: number): Work {
    const hops = this.hops.ofSource(source);
    for (const hop of hops) this.#suspend(hop);
    return this.#forRoutes(hops, (route) => this.#drop(route));
  }

  /** The interface is up: hops on it may be trusted again. */
  linkUp(ifindex: number): Work {
    this.#down.delete(ifindex);
    return this.#restore(this.hops.onInterface(ifindex));
  }

  /** RTM_NEWNEXTHOP. */
  nexthopDefined(id: number, object: NexthopObject): Work {
    const hops = this.hops.onNexthop(id);
    for (const hop of hops) this.#suspend(hop);
    this.hops.define(id, object);
    return this.#restore(hops);
  }

  /** RTM_DELNEXTHOP. Routes that name it go with it; a group loses a member. */
  nexthopDeleted(id: number): Work {
    return this.#nexthopsLost([id]);
  }

  /** Hops are suspended by the legs they had. */
  #nexthopsLost(ids: readonly number[]): Work {
    const hops = [...new Set(ids.flatMap((id) => this.hops.onNexthop(id)))];
    for (const hop of hops) this.#suspend(hop);
    for (const id of ids) this.hops.remove(id);
    return this.#forRoutes(
      hops,
      (route, { nexthop }) => {
        if (this.hops.hasObject(nexthop!)) this.#touch(route);
        else this.#drop(route);
      },
      (hop) => {
        hop.suspended = false;
      },
    );
  }

  *#forRoutes(
    hops: readonly Hop[],
    change: (route: number, hop: Hop) => void,
    done: (hop: Hop) => void = () => {},
  ): Generator<undefined, undefined, undefined> {
    let count = 0;
    for (const hop of hops) {
      for (const route of this.#store.ofHop(hop.id)) {
        change(route, hop);
        if (++count % STEP === 0) yield;
      }
      done(hop);
    }
  }

  /**
   * Takes a prefix that must be looked at again; its address goes to `target`. @returns its length, or -1: then `changed`
   * says whether more are being looked for.
   */
  takeChanged(target: Uint32Array): number {
    return this.#changed.take(target);
  }

  get changed(): number {
    return this.#changed.size;
  }

  /** Does any route of the table cover the whole prefix? */
  covers(table: number, address: Uint32Array, length: number): boolean {
    return (this.#tableOf(table)?.longest(address, length) ?? -1) >= 0;
  }

  /** Has the table a route of exactly this prefix? */
  has(table: number, address: Uint32Array, length: number): boolean {
    return (this.#tableOf(table)?.find(address, length) ?? -1) >= 0;
  }

  /** Routes of exactly this prefix in the order they are tried. */
  *routesAt(table: number, address: Uint32Array, length: number): Generator<RouteDescription> {
    const store = this.#store;
    let route = this.#tableOf(table)?.get(address, length) ?? 0;
    for (; route !== 0; route = store.next(route)) {
      const hop = this.hops.get(store.hop(route));
      yield {
        table,
        address: store.addressOf(route).slice(),
        length,
        tos: store.tos(route),
        priority: store.priority(route),
        type: store.type(route),
        protocol: store.protocol(route),
        hop: describedBy(hop),
      };
    }
  }

  /**
   * The one hop that plain unicast routing takes for a prefix of a table: undefined when the prefix has no route,
   * 'ask' when its answer depends on more than the destination or on what is not modeled.
   */
  plainHop(table: number, address: Uint32Array, length: number): Hop | 'ask' | undefined {
    const first = this.#tableOf(table)?.get(address, length) ?? 0;
    return first === 0 ? undefined : this.#plainHopFrom(first);
  }

  /** The same for a prefix of the main table by its only route; undefined when the route is not that. */
  plainHopOfOnly(route: number): Hop | 'ask' | undefined {
    const store = this.#store;
    const isOnly = store.table(route) === mainTable && store.isFirst(route) && store.next(route) === 0;
    return isOnly ? this.#plainHopFrom(route) : undefined;
  }

  #plainHopFrom(first: number): Hop | 'ask' {
    const store = this.#store;
    // A route from a source prefix hides the others of its prefix from some packets, whatever their priority.
    for (let route = first; route !== 0; route = store.next(route))
      if (store.tos(route) !== 0 || this.#hopOf(route).from !== undefined) return 'ask';
    const second = store.next(first);
    // Equals of IPv6 are tried in turn or spread over; of IPv4, the first that lives.
    if (second !== 0 && store.priority(second) === store.priority(first)) return 'ask';
    const hop = this.hops.get(store.hop(first));
    const unicast = store.type(first) === 1;
    return unicast && hop.plain && !hop.suspended && hop.legs.length === 1 && hop.legs[0]!.gateway ? hop : 'ask';
  }

  /** Copies the prefix of some route to `target`. @returns its length, -1 when a few tries found none. */
  randomPrefix(target: Uint32Array): number {
    const store = this.#store;
    for (let tries = 0; tries < 8 && store.count > 0; tries++) {
      const route = 1 + Math.floor(Math.random() * store.highest);
      if (store.hop(route) === 0) continue;
      target.set(store.addressOf(route));
      return store.length(route);
    }
    return -1;
  }

  get statistics(): RibStatistics {
    const tables = [this.#main, this.#local, ...this.#others.values()];
    const bytes = tables.reduce((sum, table) => sum + table.bytes, this.#store.bytes + this.#changed.bytes);
    return {
      routes: this.#store.count,
      hops: this.hops.size,
      tables: tables.filter(({ size }) => size > 0).length,
      strayDeletions: this.#strayDeletions,
      bytes,
    };
  }

  /** Routes that differ in their hop at most. */
  #equals({ table, address, length, tos, priority, hop }: RouteDescription): readonly number[] {
    const store = this.#store;
    let route = this.#tableOf(table)?.get(address, length) ?? 0;
    if (route === 0) return none;
    const found: number[] = [];
    for (; route !== 0; route = store.next(route))
      if (store.tos(route) === tos && store.priority(route) === priority && this.#hopOf(route).from === hop.from)
        found.push(route);
    return found;
  }

  #isSame(route: number, { type, protocol }: RouteDescription, hop: Hop): boolean {
    const store = this.#store;
    return store.hop(route) === hop.id && store.type(route) === type && store.protocol(route) === protocol;
  }

  readonly #hopOf = (route: number): Hop => this.hops.get(this.#store.hop(route));

  /** By priority; among equal ones first or last. */
  #link(route: number, first: boolean): void {
    const store = this.#store;
    const number = store.table(route);
    const table = this.#tableOf(number)!;
    const address = store.addressOf(route);
    const priority = store.priority(route);
    let previous = 0;
    let next = table.get(address, store.length(route)) ?? 0;
    while (next !== 0 && (first ? store.priority(next) < priority : store.priority(next) <= priority)) {
      previous = next;
      next = store.next(next);
    }
    store.setNext(route, next);
    store.setFirst(route, previous === 0);
    if (previous === 0) {
      table.set(address, store.length(route), route);
      store.setFirst(next, false);
    } else store.setNext(previous, route);
  }

  #drop(route: number): void {
    const store = this.#store;
    this.#touch(route);
    const number = store.table(route);
    const table = this.#tableOf(number)!;
    const address = store.addressOf(route);
    const length = store.length(route);
    const head = table.get(address, length)!;
    if (head === route) {
      const next = store.next(route);
      store.setFirst(next, true);
      if (next === 0) table.delete(address, length);
      else table.set(address, length, next);
    } else {
      let previous = head;
      while (store.next(previous) !== route) previous = store.next(previous);
      store.setNext(previous, store.next(route));
    }
    if (table.size === 0) this.#others.delete(number);
    const hop = this.hops.get(store.hop(route));
    store.release(route);
    hop.users--;
    this.hops.release(hop);
  }

  #useHop(route: number, hop: Hop): void {
    const old = this.#store.hop(route);
    if (old === hop.id) return;
    this.#store.setHop(route, hop.id);
    hop.users++;
    if (old === 0) return;
    const before = this.hops.get(old);
    before.users--;
    this.hops.release(before);
  }

  /** A route of the local table hides what other tables say below it, so those prefixes change with it. */
  #touch(route: number): void {
    if (!this.#noting) return;
    const store = this.#store;
    const address = store.addressOf(route);
    const length = store.length(route);
    this.#changed.add(address, length);
    if (store.table(route) === localTable) this.#changed.addBelow(address, length);
  }

  #suspend(hop: Hop): void {
    hop.suspended = true;
    this.onSuspend(hop);
  }

  #restore(hops: readonly Hop[]): Work {
    for (const hop of hops) hop.suspended = false;
    return this.#forRoutes(hops, (route) => this.#touch(route));
  }

  #tableOf(number: number): PrefixTable | undefined {
    if (number === mainTable) return this.#main;
    return number === localTable ? this.#local : this.#others.get(number);
  }

  #makeTable(number: number): PrefixTable {
    const table = new PrefixTable(this.words);
    this.#others.set(number, table);
    return table;
  }
}
