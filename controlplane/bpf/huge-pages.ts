/**
 * Typed arrays in large pages, for tables that are read all over: a look-up in memory of small pages misses in the
 * processor's own table of pages as well as in its caches, and small pages are given one by one.
 *
 * A wish and no more: a kernel that has no large pages, or none free, gives small ones.
 */
import { adviseHugePages } from './libc.ts';

/** Smaller ones are not worth a page of 2 MiB. */
const WORTHWHILE_BYTES = 1 << 22;

/** Zeros. Memory that nothing was written to costs nothing. */
export function wordsForMany(count: number): Uint32Array {
  const words = new Uint32Array(count);
  if (words.byteLength >= WORTHWHILE_BYTES) adviseHugePages(words);
  return words;
}
