import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch, type Json, makePatch } from '../../../../monitoring/live/merge-patch.ts';

/** Documents as snapshots are: no null in objects. */
const { document } = fc.letrec<{ document: Json; object: Json }>((tie) => ({
  document: fc.oneof({ maxDepth: 4 }, fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'p0.100'), tie('document')),
}));

describe('makePatch()', () => {
  it('makes what applyPatch() turns the one document into the other with', () => {
    fc.assert(
      fc.property(document, document, (before, after) => {
        const patch = makePatch(before, after);
        expect(patch === undefined ? before : applyPatch(before, patch)).toEqual(after);
      }),
    );
  });

  it('is nothing between equals', () => {
    fc.assert(fc.property(document, (same) => makePatch(same, structuredClone(same)) === undefined));
  });

  it('names only what changed', () => {
    const before = { ports: { p0: { up: true, packets: 1 }, p1: { up: true } }, notes: ['a'] };
    const after = { ports: { p0: { up: true, packets: 2 } }, notes: ['a'] };
    expect(makePatch(before, after)).toEqual({ ports: { p0: { packets: 2 }, p1: null } });
  });
});

it('applyPatch() leaves the target alone', () => {
  const target = { a: { b: 1 } };
  expect(applyPatch(target, { a: { b: 2 } })).toEqual({ a: { b: 2 } });
  expect(target).toEqual({ a: { b: 1 } });
});
