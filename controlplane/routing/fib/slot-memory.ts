/**
 * The slots of one family's tables as one row of 32-bit words: the root first, then group after group.
 *
 * In production both arrays are memory shared with the packet path. `store` is the only way anything becomes visible
 * to packets, one aligned word at a time; `prepare` fills a group that no packet can reach.
 */
import { groupSlots } from './layout.ts';

export class SlotMemory {
  readonly root: Uint32Array;
  readonly groups: Uint32Array;
  readonly rootBits: number;
  readonly #default: Uint32Array;

  /** `root` has a power of two of slots, `groups` whole groups, `defaultWord` one word. */
  constructor(root: Uint32Array, groups: Uint32Array, defaultWord: Uint32Array = new Uint32Array(1)) {
    this.#default = defaultWord;
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
    if (slot < root) Atomics.store(this.root, slot, entry);
    else Atomics.store(this.groups, slot - root, entry);
  }

  /** Fills `count` slots of unreachable groups. */
  prepare(slot: number, count: number, entry: number): void {
    const first = slot - this.root.length;
    this.groups.fill(entry, first, first + count);
  }
}
