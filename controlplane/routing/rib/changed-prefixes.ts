/**
 * Prefixes whose answer must be looked at again, each once however often it changed.
 *
 * A route of the local table concerns every prefix of the main table below it. Those are found by a walk over that table,
 * some places at a time, when everything else has been taken.
 */
import { maskedWord, PrefixTable, PrefixWalk } from '../fib/index.ts';

/** Places of the main table looked at in one go. */
const PLACES = 4096;

interface Range {
  readonly address: Uint32Array;
  readonly length: number;
  readonly walk: PrefixWalk;
}

export class ChangedPrefixes {
  readonly #prefixes: PrefixTable;
  readonly #main: PrefixTable;
  readonly #ranges: Range[] = [];

  /** `main`: the main table, as it is at any time. */
  constructor(words: 1 | 4, main: PrefixTable) {
    this.#prefixes = new PrefixTable(words);
    this.#main = main;
  }

  /** 0 when there is nothing to look at. */
  get size(): number {
    return this.#prefixes.size + this.#ranges.length;
  }

  get bytes(): number {
    return this.#prefixes.bytes;
  }

  add(address: Uint32Array, length: number): void {
    this.#prefixes.add(address, length);
  }

  /** All prefixes of the main table inside this one. */
  addBelow(address: Uint32Array, length: number): void {
    if (length === this.#main.words * 32 || this.#main.size === 0) return;
    this.#ranges.push({ address: address.slice(), length, walk: new PrefixWalk(this.#main) });
  }

  /** Takes one out: its address goes to `target`. @returns its length, or -1: then `size` says whether to ask again. */
  take(target: Uint32Array): number {
    const length = this.#prefixes.pop(target);
    if (length >= 0) return length;
    const range = this.#ranges[0];
    if (!range) return -1;
    const visit = (place: number, length: number): void => {
      this.#main.addressAt(place, target);
      if (length >= range.length && isInside(target, range)) this.#prefixes.add(target, length);
    };
    if (range.walk.step(PLACES, visit)) this.#ranges.shift();
    return this.#prefixes.pop(target);
  }

  clear(): void {
    this.#prefixes.clear(64);
    this.#ranges.length = 0;
  }
}

function isInside(address: Uint32Array, range: Range): boolean {
  for (let i = 0; i < address.length; i++)
    if (maskedWord(address, i, range.length) !== maskedWord(range.address, i, range.length)) return false;
  return true;
}
