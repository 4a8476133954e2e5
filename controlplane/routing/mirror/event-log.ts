/** Netlink messages set aside in one growing buffer, in their order, until they may be applied. */
import { littleEndian } from '../../netlink/attributes.ts';

const HEADER = 8;

export type Applier = (view: DataView, type: number, flags: number, start: number, end: number) => void;

/** Room that is kept when all is done. */
const KEPT = 1 << 22;

export class EventLog {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  /** Messages before it have been applied. */
  #next = 0;

  #pushed = 0;
  #applied = 0;

  /** Messages that were ever set aside: a mark of this moment. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Have all messages been applied that came before `mark`? */
  isDone(mark: number): boolean {
    return this.#applied >= Math.min(mark, this.#pushed);
  }

  push(view: DataView, type: number, flags: number, start: number, end: number): void {
    const size = HEADER + ((end - start + 3) & ~3);
    this.#pushed++;
    if (this.#length + size > this.#bytes.length) this.#grow(size);
    this.#view.setUint16(this.#length, type, littleEndian);
    this.#view.setUint16(this.#length + 2, flags, littleEndian);
    this.#view.setUint32(this.#length + 4, end - start, littleEndian);
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset + start, end - start), this.#length + HEADER);
    this.#length += size;
  }

  /** Applies what came before `mark`, as long as `more()` says so, and forgets it. */
  replay(apply: Applier, mark: number, more: () => boolean): void {
    while (!this.isDone(mark) && more()) {
      const size = this.#view.getUint32(this.#next + 4, littleEndian);
      const start = this.#next + HEADER;
      const type = this.#view.getUint16(this.#next, littleEndian);
      const flags = this.#view.getUint16(this.#next + 2, littleEndian);
      this.#next = start + ((size + 3) & ~3);
      this.#applied++;
      apply(this.#view, type, flags, start, start + size);
    }
    if (this.#applied === this.#pushed) this.clear();
  }

  clear(): void {
    this.#length = this.#next = 0;
    this.#applied = this.#pushed;
    if (this.#bytes.length <= KEPT) return;
    this.#bytes = new Uint8Array(KEPT);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + atLeast));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
