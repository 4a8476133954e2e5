/**
 * The slots of one family's tables as one row of 32-bit words: the root first, then group after group.
 *
 * In production both arrays are memory shared with the packet path. `store` is the only way anything becomes visible
 * to packets, one aligned word at a time; `prepare` fills a group that no packet can reach. While nobody reads the tables
 * at all (`building.unread`), stores need not be atomic, and are not.
 */
import { groupSlots, isGroup, lengthOf } from './layout.ts';

/** Up to so many words, a loop is faster than a call. */
const FEW = 32;

export class SlotMemory {
  readonly root: Uint32Array;
  readonly groups: Uint32Array;
  readonly rootBits: number;
  readonly #default: Uint32Array;
  readonly #building: { readonly unread: boolean };

  /** `root` has a power of two of slots, `groups` whole groups, `defaultWord` one word. */
  constructor(
    root: Uint32Array,
    groups: Uint32Array,
    defaultWord: Uint32Array = new Uint32Array(1),
    building: { readonly unread: boolean } = { unread: false },
  ) {
    this.#default = defaultWord;
    this.#building = building;
    this.root = root;
    this.groups = groups;
    this.rootBits = Math.log2(root.length);
    if (!Number.isInteger(this.rootBits) || groups.length % groupSlots !== 0)
      throw new RangeError(`use route table memory: ${root.length} root slots, ${groups.length} group slots`);
  }

  get groupCount(): number {
    return this.groups.length / groupSlots;
  }

  /** Next hop of the default route, for slots of zeros. */
  get defaultHop(): number {
    return this.#default[0]!;
  }

  /** As `store`: a default route is one word, not every slot. */
  storeDefault(nextHop: number): void {
    Atomics.store(this.#default, 0, nextHop);
  }

  /** First slot of a group. */
  slotOfGroup(group: number): number {
    return this.root.length + group * groupSlots;
  }

  load(slot: number): number {
    const root = this.root.length;
    return slot < root ? this.root[slot]! : this.groups[slot - root]!;
  }

  /** Packets see the old word or the new one, and all that was written before with the new one. */
  store(slot: number, entry: number): void {
    const root = this.root.length;
    const words = slot < root ? this.root : this.groups;
    const at = slot < root ? slot : slot - root;
    if (this.#building.unread) words[at] = entry;
    else Atomics.store(words, at, entry);
  }

  /**
   * Overwrites those of the root's slots from `from` on that hold prefixes of `shortest` to `longest` bits.
   * @returns the first slot that leads on, or `end`.
   */
  paintRoot(from: number, end: number, shortest: number, longest: number, entry: number): number {
    const { root } = this;
    for (let slot = from; slot < end; slot++) {
      const current = root[slot]!;
      if (isGroup(current)) return slot;
      const length = lengthOf(current);
      if (length >= shortest && length <= longest && current !== entry) this.store(slot, entry);
    }
    return end;
  }

  /** Overwrites root slots that nobody reads yet, whatever they hold. */
  fillRoot(slot: number, count: number, entry: number): void {
    const { root } = this;
    if (count > FEW) root.fill(entry, slot, slot + count);
    else for (let i = slot; i < slot + count; i++) root[i] = entry;
  }

  /** Fills `count` slots of unreachable groups. */
  prepare(slot: number, count: number, entry: number): void {
    const first = slot - this.root.length;
    this.groups.fill(entry, first, first + count);
  }
}
