/** The loaded program against a map for each prefix length, on a hundred thousand addresses while the table changes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numberOf } from '../../controlplane/routing/fib/index.ts';
import { FibPrograms, fillTable } from '../bench/fib-programs.ts';
import { coveredAddresses, randomNumbers, type SyntheticRoutes, syntheticRoutes } from '../bench/synthetic-routes.ts';

const hopCount = 64;
const probeCount = 2 ** 17;

let fib: FibPrograms;
let hops: number[];

beforeAll(() => {
  fib = new FibPrograms();
  hops = Array.from({ length: hopCount }, (_, i) => {
    const number = fib.nextHops.allocate();
    fib.nextHops.resolve(number, {
      ifindex: 1000 + i,
      mtu: 1500,
      destination: Uint8Array.of(2, 0, 0, 0, 1, i),
      source: Uint8Array.of(2, 0, 0, 0, 2, i),
      vlan_protocol: 0,
      vlan_tag: 0,
    });
    return number;
  });
});
afterAll(() => fib?.[Symbol.dispose]());

/** Prefixes by length and masked address, looked up from the longest on. */
class Oracle {
  readonly #byLength = new Map<number, Map<bigint, number>>();
  readonly #bits: number;

  constructor(routes: SyntheticRoutes) {
    this.#bits = routes.words * 32;
    for (let i = 0; i < routes.lengths.length; i++) {
      const length = routes.lengths[i]!;
      if (!this.#byLength.has(length)) this.#byLength.set(length, new Map());
      const words = routes.addresses.subarray(i * routes.words, (i + 1) * routes.words);
      const value = words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
      this.#byLength.get(length)!.set(value >> BigInt(this.#bits - length), routes.hops[i]!);
    }
    this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
  }

  readonly #lengths: readonly number[];

  delete(address: Uint32Array, length: number): void {
    const value = address.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
    this.#byLength.get(length)!.delete(value >> BigInt(this.#bits - length));
  }

  lookup(address: Uint8Array): number | undefined {
    const value = BigInt(`0x${Buffer.from(address).toString('hex')}`);
    for (const length of this.#lengths) {
      const hop = this.#byLength.get(length)!.get(value >> BigInt(this.#bits - length));
      if (hop !== undefined) return hop;
    }
    return undefined;
  }
}

for (const [family, count] of [
  [4, 100_000],
  [6, 20_000],
] as const) {
  describe(`answer${family}`, () => {
    test(`finds what a list finds for ${probeCount} addresses, before and after a third of the routes left`, () => {
      const routes = syntheticRoutes(family, count, hopCount);
      const table = family === 4 ? fib.ipv4 : fib.ipv6;
      const size = family === 4 ? 4 : 16;
      fillTable(table, routes, hops);
      expect(table.statistics.crowdedSlots).toBe(0);
      const oracle = new Oracle(routes);
      const probes = coveredAddresses(routes, probeCount);
      const random = randomNumbers(99);
      // Every third anywhere; the others inside a prefix, which finds more specific ones too.
      for (let i = 0; i < probes.length; i += size * 3)
        for (let byte = family === 4 ? 0 : 1; byte < size; byte++) probes[i + byte] = random() & 0xff;

      const compare = () => {
        fib.setProbes(probes, size, 1);
        fib.run(`answer${family}`, probeCount);
        let answered = 0;
        let wrong = 0;
        for (let i = 0; i < probeCount; i++) {
          const { entry, ifindex } = fib.answer(i);
          const hop = oracle.lookup(probes.subarray(i * size, (i + 1) * size));
          if (hop === undefined ? numberOf(entry) !== 0 || ifindex !== 0 : numberOf(entry) !== hops[hop]) wrong++;
          else if (hop !== undefined && ifindex !== 1000 + hop) wrong++;
          if (hop !== undefined) answered++;
        }
        expect(wrong).toBe(0);
        return answered;
      };
      expect(compare()).toBeGreaterThan(probeCount / 2);
      for (let i = 0; i < count; i += 3) {
        const address = routes.addresses.subarray(i * routes.words, (i + 1) * routes.words);
        expect(table.delete(address, routes.lengths[i]!)).toBe(true);
        oracle.delete(address, routes.lengths[i]!);
      }
      compare();
    });
  });
}

test('a next hop that says "ask" is asked for, and found again once it is resolved', () => {
  fib.setProbes(Uint8Array.of(192, 0, 2, 1), 4, 1);
  fib.ipv4.set(Uint32Array.of(0xc0000200), 24, hops[5]!);
  fib.run('answer4', 1);
  expect(fib.answer(0).ifindex).toBe(1005);
  const { state, reserved, ...hop } = fib.nextHops.read(hops[5]!);
  expect({ state, reserved }).toEqual({ state: 1, reserved: 0 });
  fib.nextHops.ask(hops[5]!);
  fib.run('answer4', 1);
  expect(fib.answer(0).ifindex).toBe(0);
  fib.nextHops.resolve(hops[5]!, { ...hop, ifindex: 77 });
  expect(fib.nextHops.settle()).toBe(0);
  fib.run('answer4', 1);
  expect(fib.answer(0).ifindex).toBe(77);
});
