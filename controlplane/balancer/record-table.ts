/**
 * Records in memory shared with the packet path. They are written word by word, and only the words that change, so that
 * a packet never meets a field that is for a moment what it neither was nor will be.
 */
import type { Codec } from '../bpf/codec.ts';

export class RecordTable<T> {
  readonly #view: DataView;
  readonly #words: Uint32Array;
  readonly #codec: Codec<T>;
  readonly #scratch: DataView;

  /** `view`: the whole map, at an address divisible by 4. */
  constructor(view: DataView, codec: Codec<T>) {
    this.#view = view;
    this.#codec = codec;
    this.#words = new Uint32Array(view.buffer, view.byteOffset, view.byteLength >> 2);
    this.#scratch = new DataView(new ArrayBuffer(codec.size));
  }

  read(number: number): T {
    return this.#codec.read(this.#view, number * this.#codec.size);
  }

  /** @returns whether anything was another before. */
  write(number: number, value: T): boolean {
    this.#codec.write(this.#scratch, 0, value);
    const first = (number * this.#codec.size) >> 2;
    let changed = false;
    for (let i = 0; i < this.#codec.size >> 2; i++) {
      const word = this.#scratch.getUint32(i * 4, true);
      if (this.#words[first + i] === word) continue;
      Atomics.store(this.#words, first + i, word);
      changed = true;
    }
    return changed;
  }

  /** One word of a record. @param offset in bytes. */
  storeWord(number: number, offset: number, word: number): void {
    Atomics.store(this.#words, (number * this.#codec.size + offset) >> 2, word);
  }

  loadWord(number: number, offset: number): number {
    return this.#words[(number * this.#codec.size + offset) >> 2]!;
  }
}
