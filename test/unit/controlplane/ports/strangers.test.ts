import fc from 'fast-check';
import { expect, it } from 'vitest';
import { strangerBit, strangerWords } from '../../../../controlplane/ports/strangers.ts';

const isSet = (words: readonly bigint[], address: number): boolean => {
  const bit = strangerBit(address);
  return ((words[bit >>> 6]! >> BigInt(bit & 63)) & 1n) === 1n;
};

it('strangerWords() never calls an own address a stranger', () => {
  const address = fc.integer({ min: 0, max: 0xffff_ffff });
  fc.assert(
    fc.property(fc.array(address), (own) => {
      const words = strangerWords(own);
      for (const one of own) expect(isSet(words, one)).toBe(false);
    }),
  );
});

it('strangerWords() spares nearly all strangers the look-up', () => {
  const words = strangerWords([0x0100000a, 0xff00000a, 0x0101a8c0, 0xff01a8c0]);
  const sources = Array.from({ length: 4096 }, (_, i) => Math.imul(i, 0x01000193) >>> 0);
  expect(sources.filter((source) => isSet(words, source)).length).toBeGreaterThan(4000);
});
