import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PrefixTable, PrefixWalk } from '../../../../../controlplane/routing/fib/index.ts';
import { wordsOf } from './oracle.ts';

interface Change {
  readonly remove: boolean;
  readonly key: number;
  readonly value: number;
}

/** Enough keys to grow a table twice. */
const changes = fc.array(
  fc.record({ remove: fc.boolean(), key: fc.nat(400), value: fc.nat(2 ** 24 - 1) }, { noNullPrototype: true }),
  { minLength: 50, maxLength: 900 },
);

for (const words of [1, 4] as const) {
  const bits = words * 32;
  /** Different prefixes of different lengths. */
  const prefix = (key: number): { readonly address: Uint32Array; readonly length: number } => {
    const length = [bits, bits - 8, bits - 9, bits - 1][key % 4]!;
    return { address: wordsOf(BigInt(key + 1) << 9n, words), length };
  };
  const apply = (table: PrefixTable, model: Map<number, number>, { remove, key, value }: Change): void => {
    const { address, length } = prefix(key);
    if (remove) expect(table.delete(address, length)).toBe(model.delete(key));
    else {
      expect(table.set(address, length, value)).toBe(!model.has(key));
      model.set(key, value);
    }
  };

  describe(`PrefixTable of ${words} words`, () => {
    test('holds what a map holds, while it grows and after', () => {
      fc.assert(
        fc.property(changes, (list) => {
          const table = new PrefixTable(words);
          const model = new Map<number, number>();
          for (const change of list) {
            apply(table, model, change);
            const { address, length } = prefix(change.key);
            expect(table.get(address, length)).toBe(model.get(change.key));
          }
          expect(table.size).toBe(model.size);
          for (const [key, value] of model) expect(table.get(prefix(key).address, prefix(key).length)).toBe(value);
          const target = new Uint32Array(words);
          const popped = new Set<string>();
          for (let length = table.pop(target); length >= 0; length = table.pop(target))
            popped.add(`${target.join('.')}/${length}`);
          expect(popped.size).toBe(model.size);
          expect(table.size).toBe(0);
        }),
        { numRuns: 60 },
      );
    });

    test('grows a few entries at a time', () => {
      const table = new PrefixTable(words);
      for (let key = 0; key < 97; key++) table.set(prefix(key).address, prefix(key).length, key);
      // 128 + 256 places: the old ones are there until all have been moved.
      const places = [table.places];
      for (let i = 0; i < 2; i++) {
        table.set(prefix(0).address, prefix(0).length, 7);
        places.push(table.places);
      }
      expect(places).toEqual([384, 384, 256]);
      expect(table.get(prefix(96).address, prefix(96).length)).toBe(96);
    });

    test('shows a walk all that is there from its begin to its end', () => {
      fc.assert(
        fc.property(changes, changes, fc.integer({ min: 1, max: 40 }), (first, second, step) => {
          const table = new PrefixTable(words);
          const model = new Map<number, number>();
          for (const change of first) apply(table, model, change);
          const stayed = new Set(model.keys());
          const walk = new PrefixWalk(table);
          const seen = new Set<string>();
          const address = new Uint32Array(words);
          const visit = (place: number, length: number): void => {
            table.addressAt(place, address);
            seen.add(`${address.join('.')}/${length}`);
          };
          for (const change of second) {
            if (walk.step(step, visit)) break;
            apply(table, model, change);
            if (change.remove) stayed.delete(change.key);
          }
          while (!walk.step(step, visit));
          for (const key of stayed) {
            const { address, length } = prefix(key);
            table.addressAt(table.find(address, length), address);
            expect(seen.has(`${address.join('.')}/${length}`)).toBe(true);
          }
        }),
        { numRuns: 100 },
      );
    });
  });
}
