/**
 * Which number in the packet path stands for which name, across restarts of the daemon.
 *
 * A number that is no longer wanted is *retired*: nothing new leads to it, but the table of connections may still name
 * it. It is free again after a walk through that table, begun after it was retired, has met it nowhere. Counters in the
 * packet path are kept by number, so a name that comes back before that gets its old one.
 */
import { CapacityError } from './capacity-error.ts';

export interface RegistryState {
  readonly names: readonly (readonly [name: string, number: number])[];
  readonly retired: readonly (readonly [name: string, number: number])[];
}

export class NumberRegistry {
  readonly #what: string;
  readonly #limit: number;
  readonly #numbers = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #retired = new Map<string, number>();
  readonly #free: number[] = [];
  #next = 1;

  /** Hands out numbers from 1 to `limit` - 1. `what`: for messages, "backends". */
  constructor(what: string, limit: number, state: RegistryState = { names: [], retired: [] }) {
    this.#what = what;
    this.#limit = limit;
    for (const [name, number] of state.names) {
      this.#numbers.set(name, number);
      this.#names.set(number, name);
    }
    for (const [name, number] of state.retired) this.#retired.set(name, number);
    const taken = new Set([...this.#names.keys(), ...this.#retired.values()]);
    this.#next = Math.max(0, ...taken) + 1;
    for (let number = this.#next - 1; number > 0; number--) if (!taken.has(number)) this.#free.push(number);
  }

  get size(): number {
    return this.#numbers.size;
  }

  get retired(): number {
    return this.#retired.size;
  }

  entries(): IterableIterator<[string, number]> {
    return this.#numbers.entries();
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  nameOf(number: number): string | undefined {
    return this.#names.get(number);
  }

  /** @throws CapacityError, with nothing changed, when `names` do not fit beside what is there. */
  checkRoom(names: Iterable<string>): void {
    let wanted = 0;
    for (const name of names) if (!this.#numbers.has(name) && !this.#retired.has(name)) wanted++;
    const room = this.#limit - this.#next + this.#free.length;
    if (wanted > room)
      throw new CapacityError(
        `there is room for ${this.#limit - 1} ${this.#what}: ${this.#numbers.size} are in use, ` +
          `${this.#retired.size} wait for their connections to be forgotten, and ${wanted} more are wanted`,
      );
  }

  /** The name's number: the one it has or had, or a free one. `fresh`: nobody had it before, its counters are stale. */
  take(name: string): { readonly number: number; readonly fresh: boolean } {
    const known = this.#numbers.get(name);
    if (known !== undefined) return { number: known, fresh: false };
    const before = this.#retired.get(name);
    this.checkRoom([name]);
    const number = before ?? this.#free.pop() ?? this.#next++;
    this.#retired.delete(name);
    this.#numbers.set(name, number);
    this.#names.set(number, name);
    return { number, fresh: before === undefined };
  }

  /** Nothing leads to it any more, but entries of the table may name it. @returns its number. */
  retire(name: string): number | undefined {
    const number = this.#numbers.get(name);
    if (number === undefined) return undefined;
    this.#numbers.delete(name);
    this.#names.delete(number);
    this.#retired.set(name, number);
    return number;
  }

  /** Numbers retired up to now, for a walk that begins now. */
  retiredNumbers(): ReadonlySet<number> {
    return new Set(this.#retired.values());
  }

  /** After a walk: of those retired when it began, what it has not met is free. @returns how many became free. */
  release(retiredBefore: ReadonlySet<number>, met: ReadonlySet<number>): number {
    let freed = 0;
    for (const [name, number] of this.#retired) {
      if (!retiredBefore.has(number) || met.has(number)) continue;
      this.#retired.delete(name);
      this.#free.push(number);
      freed++;
    }
    return freed;
  }

  toJSON(): RegistryState {
    return { names: [...this.#numbers], retired: [...this.#retired] };
  }
}
