/** Longest-prefix match as a list: slow, and too simple to be wrong. */
export class NaiveTable {
  readonly prefixes = new Map<string, { readonly value: bigint; readonly length: number; readonly nextHop: number }>();
  readonly #bits: number;

  constructor(words: 1 | 4) {
    this.#bits = words * 32;
  }

  set(address: bigint, length: number, nextHop: number): void {
    const value = this.#masked(address, length);
    this.prefixes.set(`${value}/${length}`, { value, length, nextHop });
  }

  delete(address: bigint, length: number): boolean {
    return this.prefixes.delete(`${this.#masked(address, length)}/${length}`);
  }

  /** Next hop for an address, 0 for none. */
  lookup(address: bigint): number {
    let best = { length: -1, nextHop: 0 };
    for (const prefix of this.prefixes.values())
      if (prefix.length > best.length && this.#masked(address, prefix.length) === prefix.value) best = prefix;
    return best.nextHop;
  }

  #masked(address: bigint, length: number): bigint {
    const behind = BigInt(this.#bits - length);
    return (address >> behind) << behind;
  }
}

/** An address as 32-bit words, most significant first. */
export function wordsOf(address: bigint, words: 1 | 4): Uint32Array {
  return Uint32Array.from({ length: words }, (_, i) => Number((address >> BigInt((words - 1 - i) * 32)) & 0xffffffffn));
}
