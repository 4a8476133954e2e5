/**
 * Routes of one family in typed arrays: no object a route, numbers from 1 on (0 is "none").
 *
 * Two lists run through them: the routes of one prefix in one table, in the order the kernel tries them, and the routes
 * that use one hop. All of a route but its prefix's length stands side by side, so that following one is a cache miss
 * and not ten: 33 bytes an IPv4 route and 45 an IPv6 route; room that no route has used yet costs nothing.
 */
import { wordsForMany } from '../../bpf/huge-pages.ts';
import { valueLimit } from '../fib/index.ts';

// Words of a route.
/** Next route of the prefix; of free numbers, the next free one. */
const NEXT = 0;
const HOP = 1;
const HOP_NEXT = 2;
const HOP_PREVIOUS = 3;
const PRIORITY = 4;
const TABLE = 5;
/** TOS, type and protocol, a byte each, and whether it is the first of its prefix. */
const KIND = 6;
const ADDRESS = 7;

const TYPE_SHIFT = 8;
const PROTOCOL_SHIFT = 16;
const FIRST = 1 << 24;

/** What tells a route from others of its prefix. */
export interface RouteKey {
  readonly table: number;
  readonly address: Uint32Array;
  readonly length: number;
  readonly tos: number;
  readonly priority: number;
}

export class RouteStore {
  /** Words of an address: 1 or 4. */
  readonly words: 1 | 4;
  readonly #stride: number;
  #routes: Uint32Array;
  #lengths: Uint8Array;
  /** Of those that were ever handed out, as of the last search. */
  #known: Uint8Array = new Uint8Array(0);
  #free = 0;
  #used = 1;
  #count = 0;
  /** First route of each hop. */
  readonly #hopFirst: number[] = [];

  constructor(words: 1 | 4, capacity = 1024) {
    this.words = words;
    this.#stride = ADDRESS + words;
    this.#routes = wordsForMany(capacity * this.#stride);
    this.#lengths = new Uint8Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Highest number that was ever handed out. */
  get highest(): number {
    return this.#used - 1;
  }

  /** Memory that routes take or have taken, in bytes. */
  get bytes(): number {
    return this.#used * (4 * this.#stride + 1);
  }

  /** Forgets all routes; the memory stays. */
  clear(): void {
    this.#free = 0;
    this.#used = 1;
    this.#count = 0;
    this.#hopFirst.length = 0;
  }

  /** @returns the number of a new route, in no list yet; `setKind` and `setHop` come after. */
  create({ table, address, length, tos, priority }: RouteKey): number {
    const route = this.#allocate();
    const routes = this.#routes;
    const at = route * this.#stride;
    routes[at + NEXT] = 0;
    routes[at + HOP] = 0;
    routes[at + PRIORITY] = priority;
    routes[at + TABLE] = table;
    routes[at + KIND] = tos;
    for (let i = 0; i < this.words; i++) routes[at + ADDRESS + i] = address[i]!;
    this.#lengths[route] = length;
    return route;
  }

  #allocate(): number {
    this.#count++;
    if (this.#free !== 0) {
      const route = this.#free;
      this.#free = this.next(route);
      return route;
    }
    if (this.#used === this.#lengths.length) this.#grow();
    if (this.#used === valueLimit) throw new Error(`mirror routes: there are more than ${valueLimit} of one family`);
    return this.#used++;
  }

  /** The route must be out of its prefix's list. */
  release(route: number): void {
    this.#unlinkHop(route);
    this.setNext(route, this.#free);
    this.#free = route;
    this.#count--;
  }

  /** Next route of the prefix; 0: none. */
  next(route: number): number {
    return this.#routes[route * this.#stride + NEXT]!;
  }

  setNext(route: number, next: number): void {
    this.#routes[route * this.#stride + NEXT] = next;
  }

  /** Is it the first route of its prefix? */
  isFirst(route: number): boolean {
    return (this.#routes[route * this.#stride + KIND]! & FIRST) !== 0;
  }

  setFirst(route: number, first: boolean): void {
    const at = route * this.#stride + KIND;
    this.#routes[at] = first ? this.#routes[at]! | FIRST : this.#routes[at]! & ~FIRST;
  }

  length(route: number): number {
    return this.#lengths[route]!;
  }

  table(route: number): number {
    return this.#routes[route * this.#stride + TABLE]!;
  }

  priority(route: number): number {
    return this.#routes[route * this.#stride + PRIORITY]!;
  }

  tos(route: number): number {
    return this.#routes[route * this.#stride + KIND]! & 0xff;
  }

  type(route: number): number {
    return (this.#routes[route * this.#stride + KIND]! >>> TYPE_SHIFT) & 0xff;
  }

  protocol(route: number): number {
    return (this.#routes[route * this.#stride + KIND]! >>> PROTOCOL_SHIFT) & 0xff;
  }

  setKind(route: number, type: number, protocol: number): void {
    const at = route * this.#stride + KIND;
    const rest = this.#routes[at]! & (FIRST | 0xff);
    this.#routes[at] = rest | (type << TYPE_SHIFT) | (protocol << PROTOCOL_SHIFT);
  }

  /** 0: there is no such route. */
  hop(route: number): number {
    return this.#routes[route * this.#stride + HOP]!;
  }

  /** Also for a first hop; 0 takes the route out of the hop's list. */
  setHop(route: number, hop: number): void {
    this.#unlinkHop(route);
    const routes = this.#routes;
    const at = route * this.#stride;
    routes[at + HOP] = hop;
    if (hop === 0) return;
    const first = this.#hopFirst[hop] ?? 0;
    routes[at + HOP_NEXT] = first;
    routes[at + HOP_PREVIOUS] = 0;
    if (first !== 0) routes[first * this.#stride + HOP_PREVIOUS] = route;
    this.#hopFirst[hop] = route;
  }

  /** Routes that use a hop. The one just visited may be removed. */
  *ofHop(hop: number): Generator<number> {
    for (let route = this.#hopFirst[hop] ?? 0; route !== 0; ) {
      const next = this.#routes[route * this.#stride + HOP_NEXT]!;
      yield route;
      route = next;
    }
  }

  /** The first route from number `from` on whose prefix has this length; 0: there is none. */
  nextOfLength(from: number, length: number): number {
    if (this.#known.length !== this.#used) this.#known = this.#lengths.subarray(0, this.#used);
    for (let route = from; route < this.#used; route++) {
      // Often it is the very next one; else the search is the engine's own, which looks at many at a time.
      if (this.#known[route] !== length) route = this.#known.indexOf(length, route);
      if (route < 0) return 0;
      if (this.hop(route) !== 0) return route;
    }
    return 0;
  }

  /** A view of the address, good until the next `create`. */
  addressOf(route: number): Uint32Array {
    const at = route * this.#stride + ADDRESS;
    return this.#routes.subarray(at, at + this.words);
  }

  copyAddress(route: number, target: Uint32Array): void {
    const at = route * this.#stride + ADDRESS;
    for (let i = 0; i < this.words; i++) target[i] = this.#routes[at + i]!;
  }

  #unlinkHop(route: number): void {
    const routes = this.#routes;
    const at = route * this.#stride;
    const hop = routes[at + HOP]!;
    if (hop === 0) return;
    const previous = routes[at + HOP_PREVIOUS]!;
    const next = routes[at + HOP_NEXT]!;
    if (previous !== 0) routes[previous * this.#stride + HOP_NEXT] = next;
    else this.#hopFirst[hop] = next;
    if (next !== 0) routes[next * this.#stride + HOP_PREVIOUS] = previous;
    routes[at + HOP] = 0;
  }

  #grow(): void {
    const capacity = Math.ceil(this.#lengths.length * 1.5);
    const routes = wordsForMany(capacity * this.#stride);
    routes.set(this.#routes);
    this.#routes = routes;
    const lengths = new Uint8Array(capacity);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
    this.#known = lengths.subarray(0, 0);
  }
}
