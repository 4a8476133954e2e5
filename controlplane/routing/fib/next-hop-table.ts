/**
 * Where packets leave: records shared with the packet path, named by number in the route tables.
 *
 * A record is several words and packets read it without a lock, so a live one is never rewritten in place: it says
 * "ask" first, for longer than any packet takes, and only then changes and says "ready". `settle` finishes what has
 * waited long enough; until then packets ask the kernel, which is always right. Number 0 is nobody's: in the route
 * tables it means "ask".
 */
import { type NextHop, nextHopCodec, nextHopState } from '../../bpf/generated/headrace.ts';
import type { Grace } from './grace.ts';
import { ask, numberLimit } from './layout.ts';
import { NumberPool } from './number-pool.ts';

/** A resolved next hop. MAC addresses as they stand in the frame; VLAN fields in network byte order, 0 for untagged. */
export type ResolvedHop = Omit<NextHop, 'state' | 'reserved'>;

interface Pending {
  readonly hop: ResolvedHop;
  readonly mark: number;
}

export interface NextHopStatistics {
  readonly used: number;
  readonly capacity: number;
  /** Records that say "ask" until packets that might read them are gone. */
  readonly pending: number;
}

export class NextHopTable {
  readonly #view: DataView;
  readonly #states: Uint32Array;
  readonly #grace: Grace;
  readonly #pool: NumberPool;
  readonly #pending = new Map<number, Pending>();
  /** When each record last stopped being ready; absent: never was since it was taken. */
  readonly #askedSince = new Map<number, number>();

  /** `view`: the whole map, all zeros, at an address divisible by 4. */
  constructor(view: DataView, grace: Grace) {
    const count = Math.min(Math.floor(view.byteLength / nextHopCodec.size), numberLimit);
    this.#view = view;
    this.#states = new Uint32Array(view.buffer, view.byteOffset, (count * nextHopCodec.size) / 4);
    this.#grace = grace;
    this.#pool = new NumberPool(1, count, grace);
  }

  /** As new: all records are zeros again, and nobody reads them. */
  reset(): void {
    this.#pool.reset();
    this.#pending.clear();
    this.#askedSince.clear();
  }

  /** @returns the number of a record that says "ask", or 0 ("ask" itself) when none is free. */
  allocate(): number {
    const number = this.#pool.take();
    return number < 0 ? ask : number;
  }

  /** No route names the record any more. */
  release(number: number): void {
    this.ask(number);
    this.#askedSince.delete(number);
    this.#pool.give(number);
  }

  /** From now on packets ask the kernel for everything that leads there: one store. */
  ask(number: number): void {
    this.#pending.delete(number);
    if (!this.isReady(number)) return;
    this.#askedSince.set(number, this.#grace.mark());
    this.#store(number, nextHopState.ASK);
  }

  /** Writes the record: at once when no packet can be reading it, or by a later `settle`. */
  resolve(number: number, hop: ResolvedHop): void {
    if (this.isReady(number)) {
      if (sameHop(nextHopCodec.read(this.#view, number * nextHopCodec.size), hop)) return;
      this.ask(number);
    }
    this.#pending.set(number, { hop, mark: this.#askedSince.get(number) ?? Number.NEGATIVE_INFINITY });
    this.#finish(number);
  }

  /** Finishes rewrites that have waited long enough. @returns how many still wait. */
  settle(): number {
    for (const number of this.#pending.keys()) this.#finish(number);
    return this.#pending.size;
  }

  isReady(number: number): boolean {
    return this.#states[(number * nextHopCodec.size) / 4] === nextHopState.READY;
  }

  read(number: number): NextHop {
    return nextHopCodec.read(this.#view, number * nextHopCodec.size);
  }

  get statistics(): NextHopStatistics {
    return { used: this.#pool.used, capacity: this.#pool.capacity, pending: this.#pending.size };
  }

  #finish(number: number): void {
    const pending = this.#pending.get(number)!;
    if (pending.mark !== Number.NEGATIVE_INFINITY && !this.#grace.passed(pending.mark)) return;
    this.#pending.delete(number);
    this.#askedSince.delete(number);
    const record: NextHop = { ...pending.hop, state: nextHopState.ASK, reserved: 0 };
    nextHopCodec.write(this.#view, number * nextHopCodec.size, record);
    this.#store(number, nextHopState.READY);
  }

  #store(number: number, state: number): void {
    Atomics.store(this.#states, (number * nextHopCodec.size) / 4, state);
  }
}

function sameHop(a: ResolvedHop, b: ResolvedHop): boolean {
  return (
    a.ifindex === b.ifindex &&
    a.mtu === b.mtu &&
    a.vlan_protocol === b.vlan_protocol &&
    a.vlan_tag === b.vlan_tag &&
    Buffer.compare(a.source, b.source) === 0 &&
    Buffer.compare(a.destination, b.destination) === 0
  );
}
