import fc from 'fast-check';
import { expect, it } from 'vitest';
import { optionalMaps } from '../../../controlplane/dataplane/optional-maps.ts';
import { constantsOf } from '../../../controlplane/dataplane/preloaded.ts';

it('constantsOf() is the same whether a feature that is off anyway is named or not, in any order', () => {
  const names = [...new Set<string>(Object.values(optionalMaps))];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.boolean()), (features) => {
      const on = Object.fromEntries(
        Object.entries(features)
          .filter(([, value]) => value)
          .reverse(),
      );
      expect(constantsOf(features)).toEqual(constantsOf(on));
    }),
  );
  // What is on by default is another program when it is off.
  expect(constantsOf({ feature_counters: false })).toEqual([['feature_counters', false]]);
});
