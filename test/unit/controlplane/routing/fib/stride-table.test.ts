import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Grace } from '../../../../../controlplane/routing/fib/grace.ts';
import { crowdedEntry, isGroup, numberOf } from '../../../../../controlplane/routing/fib/layout.ts';
import { ListMemory } from '../../../../../controlplane/routing/fib/list-memory.ts';
import { ListTable } from '../../../../../controlplane/routing/fib/list-table.ts';
import type { RouteTable } from '../../../../../controlplane/routing/fib/route-table.ts';
import { SlotMemory } from '../../../../../controlplane/routing/fib/slot-memory.ts';
import { StrideTable } from '../../../../../controlplane/routing/fib/stride-table.ts';
import { NaiveTable, wordsOf } from './oracle.ts';

/** Tells of every store that packets could see. */
class WatchedMemory extends SlotMemory {
  onStore: () => void = () => {};

  override store(slot: number, entry: number): void {
    super.store(slot, entry);
    this.onStore();
  }
}

/** The same for lists. */
class WatchedLists extends ListMemory {
  onStore: () => void = () => {};

  override storeFallback(list: number, entry: number): void {
    super.storeFallback(list, entry);
    this.onStore();
  }

  override storeEntry(list: number, item: number, entry: number): void {
    super.storeEntry(list, item, entry);
    this.onStore();
  }
}

const atOnce: Grace = { mark: () => 0, passed: () => true };

interface Change {
  readonly remove: boolean;
  readonly address: bigint;
  readonly length: number;
  readonly nextHop: number;
}

/** Few distinct bits, so that prefixes nest, collide and are found again for removal. */
function addressIn(words: 1 | 4): fc.Arbitrary<bigint> {
  const byte = fc.constantFrom(0n, 1n, 2n, 127n, 128n, 255n);
  return fc
    .array(byte, { minLength: words * 4, maxLength: words * 4 })
    .map((bytes) => bytes.reduce<bigint>((value, next) => (value << 8n) | next, 0n));
}

function changesIn(words: 1 | 4): fc.Arbitrary<Change[]> {
  const bits = words * 32;
  const length = fc.oneof(
    fc.integer({ min: 0, max: bits }),
    fc.constantFrom(...[0, 8, 16, 20, 24, 25, bits - 1, bits]),
  );
  return fc.array(
    fc.record({
      remove: fc.boolean(),
      address: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0n, 1n << BigInt(bits - 8)) }, addressIn(words)),
      length,
      nextHop: fc.integer({ min: 0, max: 5 }),
    }),
    { maxLength: 40 },
  );
}

for (const words of [1, 4] as const) {
  const name = words === 1 ? 'IPv4' : 'IPv6';
  const table = (groups: number, rootBits = 16) => {
    const memory = new WatchedMemory(new Uint32Array(2 ** rootBits), new Uint32Array(groups * 256));
    if (words === 1) return { memory, table: new StrideTable(words, memory, atOnce) };
    const lists = new WatchedLists(new Uint32Array(groups * 2 * 32));
    lists.onStore = () => memory.onStore();
    return { memory, table: new ListTable(memory, lists, atOnce) };
  };
  const apply = (target: RouteTable, oracle: NaiveTable, change: Change) => {
    const address = wordsOf(change.address, words);
    if (change.remove) expect(target.delete(address, change.length)).toBe(oracle.delete(change.address, change.length));
    else {
      target.set(address, change.length, change.nextHop);
      oracle.set(change.address, change.length, change.nextHop);
    }
  };

  describe(`${name} route table`, () => {
    test('answers as a naive longest-prefix match does, after every change', () => {
      fc.assert(
        fc.property(
          changesIn(words),
          fc.array(addressIn(words), { minLength: 20, maxLength: 20 }),
          (changes, probes) => {
            const { table: fib } = table(1024);
            const oracle = new NaiveTable(words);
            for (const change of changes) {
              apply(fib, oracle, change);
              for (const probe of [...probes, ...changes.map(({ address }) => address)])
                expect(numberOf(fib.lookup(wordsOf(probe, words)))).toBe(oracle.lookup(probe));
            }
            for (const { address, length } of [...oracle.prefixes.values()].map((p) => ({ address: p.value, ...p })))
              expect(fib.delete(wordsOf(address, words), length)).toBe(true);
            expect(fib.statistics).toMatchObject({ prefixes: 0, groupsUsed: 0, listsUsed: 0, crowdedSlots: 0 });
            for (const probe of probes) expect(fib.lookup(wordsOf(probe, words))).toBe(0);
          },
        ),
        { numRuns: 150 },
      );
    });

    test('answers the same when it is built in one go, the shortest prefixes first', () => {
      fc.assert(
        fc.property(
          changesIn(words),
          fc.array(addressIn(words), { minLength: 20, maxLength: 20 }),
          (changes, probes) => {
            const { table: fib } = table(1024);
            const oracle = new NaiveTable(words);
            for (const { address, length, nextHop } of [...changes].sort((a, b) => a.length - b.length)) {
              const before = [...oracle.prefixes.values()].find(
                (p) => p.length === length && (p.value ^ address) >> BigInt(words * 32 - length) === 0n,
              );
              expect(fib.build(wordsOf(address, words), length, nextHop)).toBe(before?.nextHop ?? 0);
              oracle.set(address, length, nextHop);
            }
            for (const probe of [...probes, ...changes.map(({ address }) => address)])
              expect(numberOf(fib.lookup(wordsOf(probe, words)))).toBe(oracle.lookup(probe));
            for (const { value, length } of oracle.prefixes.values()) fib.delete(wordsOf(value, words), length);
            expect(fib.statistics).toMatchObject({ prefixes: 0, groupsUsed: 0, listsUsed: 0, crowdedSlots: 0 });
            for (const probe of probes) expect(fib.lookup(wordsOf(probe, words))).toBe(0);
          },
        ),
        { numRuns: 100 },
      );
    });

    test('shows readers the old answer, the new one or "ask" at every single store, with few groups as with many', () => {
      fc.assert(
        fc.property(
          changesIn(words),
          fc.array(addressIn(words), { minLength: 8, maxLength: 8 }),
          fc.constantFrom(3, 10, 1024),
          (changes, others, groups) => {
            const { memory, table: fib } = table(groups);
            const oracle = new NaiveTable(words);
            const probes = [...others, ...changes.slice(0, 8).map(({ address }) => address)];
            const wordsOfProbes = probes.map((probe) => wordsOf(probe, words));
            for (const change of changes) {
              const before = probes.map((probe) => oracle.lookup(probe));
              if (change.remove) oracle.delete(change.address, change.length);
              else oracle.set(change.address, change.length, change.nextHop);
              const after = probes.map((probe) => oracle.lookup(probe));
              let stores = 0;
              memory.onStore = () => {
                if (stores++ > 300) return;
                wordsOfProbes.forEach((probe, i) => {
                  const seen = fib.lookup(probe);
                  if (isGroup(seen) || ![0, before[i], after[i]].includes(numberOf(seen)))
                    throw new Error(`probe ${probes[i]} saw ${seen}, neither ${before[i]} nor ${after[i]}`);
                });
              };
              if (change.remove) fib.delete(wordsOf(change.address, words), change.length);
              else fib.set(wordsOf(change.address, words), change.length, change.nextHop);
              memory.onStore = () => {};
              const { groupsUsed, groupsCapacity } = fib.statistics;
              expect(groupsUsed).toBeLessThanOrEqual(groupsCapacity);
              wordsOfProbes.forEach((probe, i) => {
                const seen = fib.lookup(probe);
                expect(seen === crowdedEntry || numberOf(seen) === after[i]).toBe(true);
              });
              // Mostly a little of it, so that changes come while it is under way.
              let steps = change.nextHop;
              fib.repair(() => steps-- > 0);
            }
          },
        ),
        { numRuns: 150 },
      );
    });

    test('answers again by itself once groups are free, and never wrongly before', () => {
      fc.assert(
        fc.property(changesIn(words), changesIn(words), (first, second) => {
          const { table: fib } = table(4);
          const oracle = new NaiveTable(words);
          for (const change of [...first, ...second]) {
            apply(fib, oracle, change);
            fib.repair();
            for (const { address } of first) {
              const seen = fib.lookup(wordsOf(address, words));
              expect(seen === crowdedEntry || numberOf(seen) === oracle.lookup(address)).toBe(true);
            }
          }
          for (const { value, length } of [...oracle.prefixes.values()]) {
            if (length <= 16) continue;
            fib.delete(wordsOf(value, words), length);
            oracle.delete(value, length);
          }
          fib.repair();
          expect(fib.statistics).toMatchObject({ crowdedSlots: 0, groupsUsed: 0, listsUsed: 0 });
          for (const { address } of first)
            expect(numberOf(fib.lookup(wordsOf(address, words)))).toBe(oracle.lookup(address));
        }),
        { numRuns: 100 },
      );
    });
  });
}

describe('a very short prefix', () => {
  test('is painted in pieces, each slot old or new, and completed before the next change', () => {
    const memory = new SlotMemory(new Uint32Array(2 ** 20), new Uint32Array(4 * 256));
    const table = new StrideTable(1, memory, atOnce);
    const [first, last] = [Uint32Array.of(0), Uint32Array.of(0x7fffffff)];
    table.set(first, 1, 5);
    expect(table.unfinished).toBe(true);
    expect([numberOf(table.lookup(first)), numberOf(table.lookup(last))]).toEqual([5, 0]);
    expect([table.repair(), table.unfinished]).toEqual([0, true]); // not all of it in one go
    while (table.unfinished) table.proceed();
    expect(numberOf(table.lookup(last))).toBe(5);
    table.delete(first, 1);
    expect([numberOf(table.lookup(first)), numberOf(table.lookup(last))]).toEqual([0, 5]);
    table.set(Uint32Array.of(0x7fffff00), 24, 6);
    expect(table.unfinished).toBe(false);
    expect(numberOf(table.lookup(last))).toBe(6);
    expect(numberOf(table.lookup(Uint32Array.of(0x7ffffeff)))).toBe(0);
  });
});

describe('repair', () => {
  test('goes on where it was, and takes in what came meanwhile', () => {
    let now = 0;
    const memory = new SlotMemory(new Uint32Array(2 ** 16), new Uint32Array(256));
    const table = new StrideTable(1, memory, { mark: () => now, passed: (mark) => now - mark >= 10 });
    for (let i = 0; i < 5000; i++) table.set(Uint32Array.of(0x10000000 + i * 0x10000), 16, 1);
    table.set(Uint32Array.of(0x0a000000), 24, 7);
    table.set(Uint32Array.of(0x0b000000), 24, 8);
    expect(table.statistics.crowdedSlots).toBe(1);
    table.delete(Uint32Array.of(0x0a000000), 24);
    now = 10;
    expect(table.repair(() => false)).toBe(0);
    table.set(Uint32Array.of(0x0b000100), 24, 9);
    table.set(Uint32Array.of(0x0b000200), 24, 3);
    table.delete(Uint32Array.of(0x0b000200), 24);
    expect(table.repair()).toBe(1);
    expect([0x0b000001, 0x0b000101, 0x0b000201].map((a) => numberOf(table.lookup(Uint32Array.of(a))))).toEqual([
      8, 9, 0,
    ]);
    expect(table.statistics.crowdedSlots).toBe(0);
  });
});

describe('groups', () => {
  test('are not used again before the grace period is over', () => {
    let now = 0;
    const memory = new SlotMemory(new Uint32Array(2 ** 16), new Uint32Array(256));
    const table = new StrideTable(1, memory, { mark: () => now, passed: (mark) => now - mark >= 10 });
    table.set(Uint32Array.of(0x0a000000), 24, 7);
    expect(numberOf(table.lookup(Uint32Array.of(0x0a000001)))).toBe(7);
    table.delete(Uint32Array.of(0x0a000000), 24);
    table.set(Uint32Array.of(0x0b000000), 24, 8);
    expect(table.lookup(Uint32Array.of(0x0b000001))).toBe(crowdedEntry);
    expect(numberOf(memory.groups[0]!)).toBe(7);
    now = 10;
    expect(table.repair()).toBe(1);
    expect(numberOf(table.lookup(Uint32Array.of(0x0b000001)))).toBe(8);
  });
});
