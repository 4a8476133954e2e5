/** Numbers that late fragments still go by. */
import { expect, it } from 'vitest';
import { fragmentEntry, fragmentOwners } from '../../../../controlplane/balancer/fragment-owners.ts';

it.each(Object.values(fragmentEntry))('names who is remembered, in entries of %i bytes, for a minute', (size) => {
  const entries = [
    { seenMs: 99_000, service: 3, backend: 1 },
    { seenMs: 39_000, service: 4, backend: 2 }, // over
    { seenMs: 41_000, service: 3, backend: 5 },
  ];
  const table = {
    *rawBatches() {
      for (const { seenMs, service, backend } of entries) {
        const values = new DataView(new ArrayBuffer(size * 2)); // a buffer may have room for more
        values.setBigUint64(0, BigInt(seenMs) * 1_000_000n, true);
        values.setUint32(8, service, true);
        values.setUint32(12, backend, true);
        yield { count: 1, keys: new Uint8Array(40), values };
      }
    },
  };
  const walk = fragmentOwners(table, size, () => 100_000);
  let step = walk.next();
  while (!step.done) step = walk.next();
  expect(step.value).toEqual({ services: new Set([3]), backends: new Set([1, 5]) });
});
