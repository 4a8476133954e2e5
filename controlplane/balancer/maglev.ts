/**
 * Which backend owns which slot of a ring: Maglev hashing with weights (Eisenbud et al., NSDI '16, section 3.4).
 *
 * Every member has a permutation of all slots of its own, made from its name and the seed alone. Members take turns;
 * at its turn a member takes the first slot of its permutation that is still free. A member of half the weight takes
 * half as many turns. So shares are exact to a slot or two, and when a member comes or goes, most slots keep their
 * owner, because most permutations met the same free slots.
 *
 * The order members are written in says nothing: turns go by name. Two nodes with one configuration build one ring.
 * Filling takes about size × ln(size) probes; `fillRing` yields now and then, for a caller that has other things to do.
 */
import { hashText } from './hash.ts';

/** Sizes a ring may have: primes, so that every step through the slots visits all of them. */
export const ringSizes = [251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65537, 131071] as const;
export type RingSize = (typeof ringSizes)[number];

/** Below this many slots a member, shares are coarse and changes move more than they must. */
export const SLOTS_A_MEMBER = 100;

export interface Member {
  /** Unique in the ring, and its identity: a member that keeps its name keeps its slots. */
  readonly name: string;
  /** Relative; 0 owns no slot. */
  readonly weight: number;
}

/** Owner of a slot nobody owns: no member has a weight. */
export const NO_OWNER = 0xffff;

/**
 * The ring: for each slot the index of its owner in `members`. Yields after about every `slice` probes.
 * @param size a prime, see `ringSizes`.
 */
export function* fillRing(
  members: readonly Member[],
  size: number,
  seed: number,
  slice = 20_000,
): Generator<void, Uint16Array> {
  const owners = new Uint16Array(size).fill(NO_OWNER);
  const order = turnOrder(members, size);
  const count = order.length;
  if (count === 0) return owners;
  const heaviest = order.reduce((most, index) => Math.max(most, members[index]!.weight), 0);
  const position = new Uint32Array(count);
  const stride = new Uint32Array(count);
  const share = new Float64Array(count);
  const nextTurn = new Float64Array(count);
  order.forEach((index, i) => {
    const { name, weight } = members[index]!;
    position[i] = hashText(name, seed) % size;
    stride[i] = (hashText(name, seed ^ 0x5bd1e995) % (size - 1)) + 1;
    share[i] = weight / heaviest;
  });
  let budget = slice;
  for (let turn = 1, filled = 0; ; turn++) {
    budget -= count >>> 4; // a turn that most members sit out costs something too
    for (let i = 0; i < count; i++) {
      if (turn * share[i]! < nextTurn[i]!) continue;
      nextTurn[i] = nextTurn[i]! + 1;
      let at = position[i]!;
      const step = stride[i]!;
      while (owners[at] !== NO_OWNER) {
        at += step;
        if (at >= size) at -= size;
        budget--;
      }
      owners[at] = order[i]!;
      position[i] = at;
      if (++filled === size) return owners;
      if (--budget <= 0) {
        budget = slice;
        yield;
      }
    }
  }
}

/** Members with a weight by name; no more than there are slots, or the last would own none at random. */
function turnOrder(members: readonly Member[], size: number): number[] {
  const order = members.flatMap(({ weight }, index) => (weight > 0 ? [index] : []));
  if (order.length > Math.min(size, NO_OWNER))
    throw new RangeError(`fill ring: ${order.length} members for ${size} slots`);
  return order.sort((a, b) => (members[a]!.name < members[b]!.name ? -1 : 1));
}

/** The whole ring at once. */
export function buildRing(members: readonly Member[], size: number, seed: number): Uint16Array {
  const filling = fillRing(members, size, seed, Number.POSITIVE_INFINITY);
  for (;;) {
    const step = filling.next();
    if (step.done) return step.value;
  }
}

/** Slots of each member, by its index. */
export function sharesOf(owners: Uint16Array, members: number): Uint32Array {
  const shares = new Uint32Array(members);
  for (const owner of owners) if (owner !== NO_OWNER) shares[owner]!++;
  return shares;
}
