/**
 * Routes of one family in typed arrays: no object a route, numbers from 1 on (0 is "none").
 *
 * Two lists run through them: the routes of one prefix in one table, in the order the kernel tries them, and the routes
 * that use one hop. 32 bytes an IPv4 route and 44 an IPv6 route; room that no route has used yet costs nothing.
 */
import { valueLimit } from '../fib/index.ts';

export class RouteStore {
  /** Words of an address: 1 or 4. */
  readonly words: 1 | 4;
  address: Uint32Array;
  length: Uint8Array;
  table: Uint32Array;
  priority: Uint32Array;
  tos: Uint8Array;
  type: Uint8Array;
  protocol: Uint8Array;
  hop: Uint32Array;
  /** Next route of the prefix; of free numbers, the next free one. */
  next: Uint32Array;
  hopNext: Uint32Array;
  hopPrevious: Uint32Array;
  #free = 0;
  #used = 1;
  #count = 0;
  /** First route of each hop. */
  readonly #hopFirst: number[] = [];

  constructor(words: 1 | 4, capacity = 1024) {
    this.words = words;
    this.address = new Uint32Array(capacity * words);
    this.length = new Uint8Array(capacity);
    this.table = new Uint32Array(capacity);
    this.priority = new Uint32Array(capacity);
    this.tos = new Uint8Array(capacity);
    this.type = new Uint8Array(capacity);
    this.protocol = new Uint8Array(capacity);
    this.hop = new Uint32Array(capacity);
    this.next = new Uint32Array(capacity);
    this.hopNext = new Uint32Array(capacity);
    this.hopPrevious = new Uint32Array(capacity);
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
    return this.#used * (4 * this.words + 4 + 24);
  }

  /** Forgets all routes; the memory stays. */
  clear(): void {
    this.hop.fill(0, 0, this.#used);
    this.#free = 0;
    this.#used = 1;
    this.#count = 0;
    this.#hopFirst.length = 0;
  }

  /** @returns a number whose fields the caller fills; `setHop` comes after. */
  allocate(): number {
    this.#count++;
    if (this.#free !== 0) {
      const route = this.#free;
      this.#free = this.next[route]!;
      return route;
    }
    if (this.#used === this.length.length) this.#grow();
    if (this.#used === valueLimit) throw new Error(`mirror routes: there are more than ${valueLimit} of one family`);
    return this.#used++;
  }

  /** The route must be out of its prefix's list. */
  release(route: number): void {
    this.#unlinkHop(route);
    this.next[route] = this.#free;
    this.#free = route;
    this.#count--;
  }

  /** Also for a first hop; 0 takes the route out of the hop's list. */
  setHop(route: number, hop: number): void {
    this.#unlinkHop(route);
    this.hop[route] = hop;
    if (hop === 0) return;
    const first = this.#hopFirst[hop] ?? 0;
    this.hopNext[route] = first;
    this.hopPrevious[route] = 0;
    if (first !== 0) this.hopPrevious[first] = route;
    this.#hopFirst[hop] = route;
  }

  /** Routes that use a hop. The one just visited may be removed. */
  *ofHop(hop: number): Generator<number> {
    for (let route = this.#hopFirst[hop] ?? 0; route !== 0; ) {
      const next = this.hopNext[route]!;
      yield route;
      route = next;
    }
  }

  /** A view of the address, good until the next `allocate`. */
  addressOf(route: number): Uint32Array {
    return this.address.subarray(route * this.words, (route + 1) * this.words);
  }

  #unlinkHop(route: number): void {
    const hop = this.hop[route]!;
    if (hop === 0) return;
    const previous = this.hopPrevious[route]!;
    const next = this.hopNext[route]!;
    if (previous !== 0) this.hopNext[previous] = next;
    else this.#hopFirst[hop] = next;
    if (next !== 0) this.hopPrevious[next] = previous;
    this.hop[route] = 0;
  }

  #grow(): void {
    const capacity = Math.ceil(this.length.length * 1.5);
    const words = (old: Uint32Array, each = 1) => {
      const larger = new Uint32Array(capacity * each);
      larger.set(old);
      return larger;
    };
    const bytes = (old: Uint8Array) => {
      const larger = new Uint8Array(capacity);
      larger.set(old);
      return larger;
    };
    this.address = words(this.address, this.words);
    this.length = bytes(this.length);
    this.table = words(this.table);
    this.priority = words(this.priority);
    this.tos = bytes(this.tos);
    this.type = bytes(this.type);
    this.protocol = bytes(this.protocol);
    this.hop = words(this.hop);
    this.next = words(this.next);
    this.hopNext = words(this.hopNext);
    this.hopPrevious = words(this.hopPrevious);
  }
}
