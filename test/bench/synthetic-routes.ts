/**
 * Routing tables like the Internet's, made up: as many prefixes as wanted, with the length distribution of the global
 * tables, more specific ones clustered in allocations as they are in the real tables. The same seed gives the same
 * table.
 */
export interface SyntheticRoutes {
  /** 32-bit words of each address, most significant first: 1 a prefix for IPv4, 4 for IPv6. */
  readonly words: 1 | 4;
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
  /** Which of the next hops, from 0. */
  readonly hops: Uint16Array;
}

/** Share of prefixes of each length, in thousandths. */
const ipv4Lengths: readonly (readonly [length: number, share: number])[] = [
  [24, 605],
  [23, 100],
  [22, 112],
  [21, 52],
  [20, 44],
  [19, 26],
  [18, 14],
  [17, 9],
  [16, 14],
  [15, 2],
  [14, 2],
  [13, 1],
  [12, 1],
  [11, 1],
  [25, 2],
  [27, 2],
  [29, 4],
  [30, 4],
  [32, 5],
];
const ipv6Lengths: readonly (readonly [length: number, share: number])[] = [
  [48, 470],
  [32, 115],
  [44, 85],
  [40, 75],
  [36, 50],
  [29, 45],
  [46, 40],
  [47, 35],
  [33, 20],
  [34, 15],
  [35, 10],
  [42, 15],
  [45, 12],
  [64, 8],
  [128, 5],
];

/** Numbers from 0 to 2³² - 1 (xorshift). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** `count` different prefixes of unicast space with next hops from 0 to `hops` - 1. */
export function syntheticRoutes(family: 4 | 6, count: number, hops: number, seed = 1): SyntheticRoutes {
  const random = randomNumbers(seed * 2654435761);
  const words = family === 4 ? 1 : 4;
  const shares = (family === 4 ? ipv4Lengths : ipv6Lengths).flatMap(([length, share]) => Array(share).fill(length));
  const allocations = Math.max(1, Math.floor(count / 8));
  const seen = new Set<string | number>();
  const addresses = new Uint32Array(count * words);
  const lengths = new Uint8Array(count);
  const nextHops = new Uint16Array(count);
  for (let i = 0; i < count; ) {
    const length = shares[random() % shares.length] as number;
    const address = new Uint32Array(words);
    if (family === 4) {
      address[0] = (((1 + (random() % 222)) << 24) | (random() >>> 8)) >>> 0;
      if (address[0] >>> 24 === 10 || address[0] >>> 24 === 127 || address[0] >>> 24 === 192) continue;
    } else {
      // 2000::/3, in one of so many allocations of a /32.
      address[0] = (0x20000000 | (Math.imul(random() % allocations, 0x9e3779b1) >>> 3)) >>> 0;
      for (let word = 1; word < 4; word++) address[word] = random();
    }
    for (let word = 0; word < words; word++) {
      const bits = Math.min(32, Math.max(0, length - word * 32));
      address[word] = bits === 0 ? 0 : address[word]! & (0xffffffff << (32 - bits));
    }
    const key = family === 4 ? address[0]! * 64 + length : `${address.join('.')}/${length}`;
    if (seen.has(key)) continue;
    seen.add(key);
    addresses.set(address, i * words);
    lengths[i] = length;
    nextHops[i] = random() % hops;
    i++;
  }
  return { words, addresses, lengths, hops: nextHops };
}

/** Random addresses, each inside one of the prefixes, as bytes in network order. */
export function coveredAddresses(routes: SyntheticRoutes, count: number, seed = 7): Uint8Array {
  const random = randomNumbers(seed);
  const size = routes.words * 4;
  const result = new Uint8Array(count * size);
  const view = new DataView(result.buffer);
  for (let i = 0; i < count; i++) {
    const route = random() % routes.lengths.length;
    for (let word = 0; word < routes.words; word++) {
      const bits = Math.min(32, Math.max(0, routes.lengths[route]! - word * 32));
      const host = bits === 32 ? 0 : 0xffffffff >>> bits;
      const network = routes.addresses[route * routes.words + word]!;
      view.setUint32(i * size + word * 4, (network | (random() & host)) >>> 0);
    }
  }
  return result;
}
