/** A hash of text for rings: the same on every machine and in every version, or nodes would disagree. Not for secrets. */

/** 32 bits of `text`, UTF-8, by FNV-1a from `seed` on, mixed so that every input bit reaches every output bit. */
export function hashText(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return mix(hash);
}

/** Murmur3's finalizer. */
export function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
