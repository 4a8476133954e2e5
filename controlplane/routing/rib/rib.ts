/**
 * The kernel's routes of one family, followed message by message: all tables, every prefix's routes in the order the
 * kernel tries them.
 *
 * Routes of a prefix differ by TOS and priority; `append` allows equals behind, plain `create` puts equals in front,
 * and `replace` takes the place of the first equal (of its own kind, with or without gateway, in IPv6). IPv6 tells a
 * grown multipath route whole, and a lost leg alone.
 *
 * IPv4 routes vanish without a message when their interface goes down or their nexthop object is deleted; `linkDown`
 * and `nexthopDeleted` take them out here too. Whatever changes puts its prefix on a list of prefixes to look at again
 * (`takeChanged`), and a hop that something was pulled from under is suspended at once: `onSuspend` can have packets ask
 * the kernel with one store, before any prefix is recomputed.
 */
import { PrefixTable } from '../fib/index.ts';
import { type Hop, type HopDescription, HopRegistry, legKey, type NexthopObject } from './hop-registry.ts';
import { RouteStore } from './route-store.ts';

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
const none: readonly number[] = [];

export const localTable = 255;
export const mainTable = 254;

export class Rib {
  readonly words: 1 | 4;
  readonly hops = new HopRegistry();
  /** Called when a hop is no longer to be trusted. */
  onSuspend: (hop: Hop) => void = () => {};
  readonly #store: RouteStore;
  readonly #tables = new Map<number, PrefixTable>();
  readonly #changed: PrefixTable;
  readonly #expected: number;
  #noting = true;
  #strayDeletions = 0;

  /**
   * `words`: 1 for IPv4, 4 for IPv6. `expected`: routes there is room for from the start; memory that is not used yet
   * costs nothing, and growing a large table takes long.
   */
  constructor(words: 1 | 4, expected = 1000) {
    this.words = words;
    this.#expected = expected;
    this.#store = new RouteStore(words, Math.ceil(expected * 1.1));
    this.#changed = new PrefixTable(words);
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

  /** Copies the prefix of a route by its number. @returns its length, -1 when there is no such route. */
  prefixOf(route: number, target: Uint32Array): number {
    const store = this.#store;
    if (store.hop[route] === 0) return -1;
    for (let i = 0; i < this.words; i++) target[i] = store.address[route * this.words + i]!;
    return store.length[route]!;
  }

  /** RTM_NEWROUTE. */
  add(route: RouteDescription, mode: AddMode): void {
    const store = this.#store;
    const hop = this.hops.intern(route.hop);
    const equals = this.#equals(route);
    const same = equals.find((known) => this.#isSame(known, route, hop));
    if (same !== undefined && mode !== 'replace') return; // a dump tells what a message told already
    let target = 0;
    if (mode === 'replace') target = this.#replaced(equals, hop);
    else if (this.words === 4 && mode === 'append') target = this.#grownFrom(equals, hop);
    if (target === 0) {
      target = store.allocate();
      store.address.set(route.address.subarray(0, this.words), target * this.words);
      store.length[target] = route.length;
      store.table[target] = route.table;
      store.priority[target] = route.priority;
      store.tos[target] = route.tos;
      this.#link(target, mode === 'create');
    } else if (same !== undefined && same !== target) {
      this.#drop(same);
    }
    store.type[target] = route.type;
    store.protocol[target] = route.protocol;
    this.#useHop(target, hop);
    this.#touch(target);
  }

  /** RTM_DELROUTE. @returns whether it was known. */
  delete(route: RouteDescription): boolean {
    const hop = this.hops.intern(route.hop);
    const equals = this.#equals(route);
    const exact = equals.find((known) => this.#isSame(known, route, hop));
    const shrunk = exact === undefined && this.words === 4 ? this.#withLeg(equals, hop) : undefined;
    const only = equals.length === 1 && this.#store.type[equals[0]!] === route.type ? equals[0] : undefined;
    if (shrunk !== undefined) {
      const gone = new Set(hop.legs.map(legKey));
      const { legs, plain, source } = this.hops.get(this.#store.hop[shrunk]!);
      const from = source === undefined ? {} : { source };
      this.#useHop(shrunk, this.hops.intern({ plain, ...from, legs: legs.filter((leg) => !gone.has(legKey(leg))) }));
      this.#touch(shrunk);
    } else if (exact !== undefined || only !== undefined) {
      this.#drop((exact ?? only)!);
    } else {
      this.#strayDeletions++;
    }
    this.hops.release(hop);
    return shrunk !== undefined || exact !== undefined || only !== undefined;
  }

  /**
   * The interface went down or away. What is lost by that without a message is lost here too: IPv4 routes always, IPv6
   * routes when the sysctl skip_notify_on_dev_down says so. This host's own addresses stay until a message takes them.
   */
  linkDown(ifindex: number): void {
    for (const hop of this.hops.onInterface(ifindex)) {
      this.#suspend(hop);
      const alone = hop.legs.every((leg) => leg.ifindex === ifindex);
      for (const route of this.#store.ofHop(hop.id))
        if (alone && this.#store.type[route] !== RTN_LOCAL) this.#drop(route);
        else this.#touch(route);
    }
  }

  /** This host's address is gone: IPv4 routes that name it as their source go with it, with or without a message. */
  sourceGone(source: number): void {
    for (const hop of this.hops.ofSource(source)) {
      this.#suspend(hop);
      for (const route of this.#store.ofHop(hop.id)) this.#drop(route);
    }
  }

  /** The interface is up: hops on it may be trusted again. */
  linkUp(ifindex: number): void {
    for (const hop of this.hops.onInterface(ifindex)) this.#restore(hop);
  }

  /** RTM_NEWNEXTHOP. */
  nexthopDefined(id: number, object: NexthopObject): void {
    for (const hop of this.hops.define(id, object)) {
      this.#suspend(hop);
      this.#restore(hop);
    }
  }

  /** RTM_DELNEXTHOP. Routes that name it go with it; a group loses a member. */
  nexthopDeleted(id: number): void {
    for (const hop of this.hops.remove(id)) {
      this.#suspend(hop);
      for (const route of this.#store.ofHop(hop.id))
        if (hop.nexthop === id || hop.legs.length === 0) this.#drop(route);
        else this.#touch(route);
      if (hop.users > 0) this.#restore(hop);
    }
  }

  /** Takes a prefix that must be looked at again; its address goes to `target`. @returns its length, or -1. */
  takeChanged(target: Uint32Array): number {
    return this.#changed.pop(target);
  }

  get changed(): number {
    return this.#changed.size;
  }

  /** Does any route of the table cover the whole prefix? */
  covers(table: number, address: Uint32Array, length: number): boolean {
    return (this.#tables.get(table)?.longest(address, length) ?? -1) >= 0;
  }

  /** Has the table a route of exactly this prefix? */
  has(table: number, address: Uint32Array, length: number): boolean {
    return (this.#tables.get(table)?.find(address, length) ?? -1) >= 0;
  }

  /** Routes of exactly this prefix in the order they are tried. */
  *routesAt(table: number, address: Uint32Array, length: number): Generator<RouteDescription> {
    const store = this.#store;
    let route = this.#tables.get(table)?.get(address, length) ?? 0;
    for (; route !== 0; route = store.next[route]!) {
      const hop = this.hops.get(store.hop[route]!);
      yield {
        table,
        address: store.addressOf(route).slice(),
        length,
        tos: store.tos[route]!,
        priority: store.priority[route]!,
        type: store.type[route]!,
        protocol: store.protocol[route]!,
        hop: {
          legs: hop.legs,
          plain: hop.plain,
          ...(hop.nexthop === undefined ? {} : { nexthop: hop.nexthop }),
          ...(hop.source === undefined ? {} : { source: hop.source }),
        },
      };
    }
  }

  /**
   * The one hop that plain unicast routing takes for a prefix of a table: undefined when the prefix has no route,
   * 'ask' when its answer depends on more than the destination or on what is not modeled.
   */
  plainHop(table: number, address: Uint32Array, length: number): Hop | 'ask' | undefined {
    const store = this.#store;
    const first = this.#tables.get(table)?.get(address, length) ?? 0;
    if (first === 0) return undefined;
    for (let route = first; route !== 0; route = store.next[route]!) if (store.tos[route] !== 0) return 'ask';
    const second = store.next[first]!;
    // Equals of IPv6 are tried in turn or spread over; of IPv4, the first that lives.
    if (second !== 0 && store.priority[second] === store.priority[first]) return 'ask';
    const hop = this.hops.get(store.hop[first]!);
    const unicast = store.type[first] === 1;
    return unicast && hop.plain && !hop.suspended && hop.legs.length === 1 && hop.legs[0]!.gateway ? hop : 'ask';
  }

  /** Copies the prefix of some route to `target`. @returns its length, -1 when a few tries found none. */
  randomPrefix(target: Uint32Array): number {
    const store = this.#store;
    for (let tries = 0; tries < 8 && store.count > 0; tries++) {
      const route = 1 + Math.floor(Math.random() * store.highest);
      if (store.hop[route] === 0) continue;
      target.set(store.addressOf(route));
      return store.length[route]!;
    }
    return -1;
  }

  get statistics(): RibStatistics {
    let bytes = this.#store.bytes + this.#changed.bytes;
    for (const table of this.#tables.values()) bytes += table.bytes;
    return {
      routes: this.#store.count,
      hops: this.hops.size,
      tables: this.#tables.size,
      strayDeletions: this.#strayDeletions,
      bytes,
    };
  }

  #equals({ table, address, length, tos, priority }: RouteDescription): readonly number[] {
    const store = this.#store;
    let route = this.#tables.get(table)?.get(address, length) ?? 0;
    if (route === 0) return none;
    const found: number[] = [];
    for (; route !== 0; route = store.next[route]!)
      if (store.tos[route] === tos && store.priority[route] === priority) found.push(route);
    return found;
  }

  #isSame(route: number, { type, protocol }: RouteDescription, hop: Hop): boolean {
    const store = this.#store;
    return store.hop[route] === hop.id && store.type[route] === type && store.protocol[route] === protocol;
  }

  #replaced(equals: readonly number[], hop: Hop): number {
    const gatewayed = (of: Hop) => of.legs.some((leg) => leg.gateway !== undefined);
    const alike = equals.find((route) => gatewayed(this.hops.get(this.#store.hop[route]!)) === gatewayed(hop));
    return (this.words === 4 ? alike : undefined) ?? equals[0] ?? 0;
  }

  /** The route that an IPv6 multipath route has grown from: all of its legs are among the new one's. */
  #grownFrom(equals: readonly number[], hop: Hop): number {
    const legs = new Set(hop.legs.map(legKey));
    return (
      equals.find((route) => {
        const known = this.hops.get(this.#store.hop[route]!);
        return known.nexthop === undefined && known.legs.length > 0 && known.legs.every((leg) => legs.has(legKey(leg)));
      }) ?? 0
    );
  }

  #withLeg(equals: readonly number[], hop: Hop): number | undefined {
    return equals.find((route) => {
      const known = this.hops.get(this.#store.hop[route]!);
      if (known.nexthop !== undefined || known.legs.length <= hop.legs.length) return false;
      const legs = new Set(known.legs.map(legKey));
      return hop.legs.every((leg) => legs.has(legKey(leg)));
    });
  }

  /** By priority; among equal ones first or last. */
  #link(route: number, first: boolean): void {
    const store = this.#store;
    const number = store.table[route]!;
    let table = this.#tables.get(number);
    if (!table) {
      table = new PrefixTable(this.words, number === mainTable ? this.#expected : undefined);
      this.#tables.set(number, table);
    }
    const address = store.addressOf(route);
    const priority = store.priority[route]!;
    let previous = 0;
    let next = table.get(address, store.length[route]!) ?? 0;
    while (next !== 0 && (first ? store.priority[next]! < priority : store.priority[next]! <= priority)) {
      previous = next;
      next = store.next[next]!;
    }
    store.next[route] = next;
    if (previous === 0) table.set(address, store.length[route]!, route);
    else store.next[previous] = route;
  }

  #drop(route: number): void {
    const store = this.#store;
    this.#touch(route);
    const number = store.table[route]!;
    const table = this.#tables.get(number)!;
    const address = store.addressOf(route);
    const length = store.length[route]!;
    const head = table.get(address, length)!;
    if (head === route) {
      if (store.next[route] === 0) table.delete(address, length);
      else table.set(address, length, store.next[route]!);
    } else {
      let previous = head;
      while (store.next[previous] !== route) previous = store.next[previous]!;
      store.next[previous] = store.next[route]!;
    }
    if (table.size === 0) this.#tables.delete(number);
    const hop = this.hops.get(store.hop[route]!);
    store.release(route);
    hop.users--;
    this.hops.release(hop);
  }

  #useHop(route: number, hop: Hop): void {
    const old = this.#store.hop[route]!;
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
    const store = this.#store;
    const address = store.addressOf(route);
    const length = store.length[route]!;
    if (!this.#noting) return;
    this.#changed.set(address, length, 1);
    const main = this.#tables.get(mainTable);
    if (store.table[route] !== localTable || length === this.words * 32 || !main) return;
    const local = new PrefixTable(this.words);
    local.set(address, length, 1);
    const below = new Uint32Array(this.words);
    for (let place = 0; place < main.places; place++) {
      if (main.lengthAt(place) < length) continue;
      main.addressAt(place, below);
      if (local.find(below, length) >= 0) this.#changed.set(below, main.lengthAt(place), 1);
    }
  }

  #suspend(hop: Hop): void {
    hop.suspended = true;
    this.onSuspend(hop);
  }

  #restore(hop: Hop): void {
    hop.suspended = false;
    for (const route of this.#store.ofHop(hop.id)) this.#touch(route);
  }
}
