/** Netlink messages set aside in one growing buffer, in their order, until they may be applied. */
import { littleEndian } from '../../netlink/attributes.ts';

const HEADER = 8;

export type Applier = (view: DataView, type: number, flags: number, start: number, end: number) => void;

export class EventLog {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  push(view: DataView, type: number, flags: number, start: number, end: number): void {
    const size = HEADER + ((end - start + 3) & ~3);
    if (this.#length + size > this.#bytes.length) this.#grow(size);
    this.#view.setUint16(this.#length, type, littleEndian);
    this.#view.setUint16(this.#length + 2, flags, littleEndian);
    this.#view.setUint32(this.#length + 4, end - start, littleEndian);
    this.#bytes.set(new Uint8Array(view.buffer, view.byteOffset + start, end - start), this.#length + HEADER);
    this.#length += size;
  }

  /** Applies everything and forgets it. */
  replay(apply: Applier): void {
    for (let at = 0; at < this.#length; ) {
      const size = this.#view.getUint32(at + 4, littleEndian);
      const start = at + HEADER;
      const [type, flags] = [this.#view.getUint16(at, littleEndian), this.#view.getUint16(at + 2, littleEndian)];
      apply(this.#view, type, flags, start, start + size);
      at = start + ((size + 3) & ~3);
    }
    this.#length = 0;
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(atLeast: number): void {
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + atLeast));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
