import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressPool } from '../../../../controlplane/check-path/addresses.ts';

describe('AddressPool', () => {
  it('gives each name an address of its own inside the prefix, the same as long as it is kept', () => {
    const pool = new AddressPool('240.0.0.0/16');
    expect(['a', 'b', 'a'].map((name) => pool.take(name))).toEqual(['240.0.0.1', '240.0.0.2', '240.0.0.1']);
    expect(pool.keep(new Set(['b']))).toEqual(['240.0.0.1']);
    // Somebody else gets it as late as can be.
    expect([pool.take('c'), pool.take('b')]).toEqual(['240.0.0.3', '240.0.0.2']);
    expect(new AddressPool('fd68::1:0/112').take('x')).toBe('fd68::1:1');
  });

  it('never gives one address to two, nor the first and the last, and says when there is none', () => {
    const step = fc.oneof(
      fc.record({ take: fc.integer({ min: 0, max: 30 }) }),
      fc.record({ keep: fc.uniqueArray(fc.integer({ min: 0, max: 30 })) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const pool = new AddressPool('240.0.0.16/28');
        const taken = new Map<string, string>();
        for (const each of steps) {
          if ('keep' in each) {
            const wanted = new Set(each.keep.map(String));
            pool.keep(wanted);
            for (const name of [...taken.keys()]) if (!wanted.has(name)) taken.delete(name);
            continue;
          }
          const name = String(each.take);
          const address = pool.take(name);
          if (taken.has(name)) expect(address).toBe(taken.get(name));
          else if (address === undefined) expect(taken.size).toBe(14);
          else {
            expect([...taken.values()]).not.toContain(address);
            const last = Number(address.split('.')[3]);
            expect(last > 16 && last < 31).toBe(true);
            taken.set(name, address);
          }
        }
      }),
    );
  });
});
