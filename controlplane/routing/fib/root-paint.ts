/**
 * A short prefix being painted over the root, a piece at a time: at most one is under way, and each slot it has come to
 * has the new answer, each other the old one.
 */
import type { SlotMemory } from './slot-memory.ts';

/** Slots of root and groups looked at in one piece: half a millisecond or so. */
const PIECE = 1 << 17;

/** Shorter prefixes than this are more of a root of 24 bits than should be filled in one go. */
export const shortestFilled = 5;

/** Paints a root slot that leads on, and all below it. @returns slots looked at. */
export type PaintSlot = (slot: number, shortest: number, longest: number, entry: number) => number;

export class RootPaint {
  readonly #memory: SlotMemory;
  readonly #paintSlot: PaintSlot;
  #next = 0;
  #end = 0;
  #shortest = 0;
  #longest = 0;
  #entry = 0;

  constructor(memory: SlotMemory, paintSlot: PaintSlot) {
    this.#memory = memory;
    this.#paintSlot = paintSlot;
  }

  get pending(): boolean {
    return this.#next < this.#end;
  }

  /** Paints the first piece. */
  start(slot: number, count: number, shortest: number, longest: number, entry: number): void {
    this.#next = slot;
    this.#end = slot + count;
    this.#shortest = shortest;
    this.#longest = longest;
    this.#entry = entry;
    this.proceed();
  }

  /** Paints one piece more. */
  proceed(): void {
    const [shortest, longest, entry] = [this.#shortest, this.#longest, this.#entry];
    for (let left = PIECE; this.#next < this.#end && left > 0; ) {
      const end = Math.min(this.#end, this.#next + left);
      const stop = this.#memory.paintRoot(this.#next, end, shortest, longest, entry);
      left -= stop - this.#next;
      this.#next = stop;
      if (stop < end) left -= this.#paintSlot(this.#next++, shortest, longest, entry);
    }
  }

  finish(): void {
    while (this.pending) this.proceed();
  }

  abandon(): void {
    this.#next = this.#end = 0;
  }
}
