/** DumpSeams beside a model of the kernel's dump, which goes on by address and, within one, by count. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DumpSeams } from '../../../../../controlplane/routing/mirror/dump-seams.ts';

interface Route {
  readonly address: number;
  readonly hidden: boolean;
  readonly id: number;
}

/** fib_table_dump and fn_trie_dump_leaf. Hidden routes are of the table that shares the trie. */
class KernelDump {
  routes: Route[];
  #key = 0;
  #skip = 0;
  #part: Route[] | undefined;

  constructor(routes: Route[]) {
    this.routes = routes;
    this.#part = this.#fill(2);
  }

  #fill(size: number): Route[] {
    const part: Route[] = [];
    for (;;) {
      const address = Math.min(...this.routes.map((route) => route.address).filter((a) => a >= this.#key));
      if (address === Number.POSITIVE_INFINITY) return part;
      const leaf = this.routes.filter((route) => route.address === address);
      for (let i = this.#skip; i < leaf.length; i++) {
        if (leaf[i]!.hidden) continue;
        if (part.length === size) {
          this.#skip = i;
          return part;
        }
        part.push(leaf[i]!);
      }
      this.#key = address + 1;
      this.#skip = 0;
    }
  }

  /** Takes a part, and fills the next one. Empty: the end. */
  receive(size: number): Route[] {
    const part = this.#part!;
    this.#part = part.length === 0 ? [] : this.#fill(size);
    return part;
  }
}

const schedule = fc.record({
  aliases: fc.array(fc.record({ address: fc.integer({ min: 1, max: 6 }), hidden: fc.boolean() }), { maxLength: 24 }),
  steps: fc.array(
    fc.record({
      /** Routes deleted before and after announcements are taken. */
      early: fc.array(fc.nat(23), { maxLength: 2 }),
      late: fc.array(fc.nat(23), { maxLength: 2 }),
      size: fc.integer({ min: 1, max: 4 }),
      budget: fc.constantFrom(0, 1, 9),
    }),
    { maxLength: 12 },
  ),
});

function read({ aliases, steps }: { aliases: Omit<Route, 'id'>[]; steps: readonly Step[] }) {
  const all = aliases.map((alias, id) => ({ ...alias, id })).sort((a, b) => a.address - b.address);
  const kernel = new KernelDump(all);
  const seams = new DumpSeams();
  const announced: number[] = [];
  const seen = new Set<number>();
  const remove = (ids: readonly number[]): void => {
    for (const id of ids) {
      const route = kernel.routes.find((each) => each.id === id);
      if (!route) continue;
      announced.push(route.address);
      kernel.routes = kernel.routes.filter((each) => each !== route);
    }
  };
  const take = (budget: number): void => {
    for (const address of announced.splice(0, budget)) seams.deleted(address);
    seams.taken(announced.length === 0);
  };
  const calm: Step = { early: [], late: [], size: 3, budget: 9 };
  for (let step = 0; ; step++) {
    const { early, late, size, budget } = steps[step] ?? calm;
    remove(early);
    const part = kernel.receive(size);
    remove(late);
    seams.part(part[0]?.address, part.at(-1)?.address);
    for (const { id } of part) seen.add(id);
    take(budget);
    if (part.length === 0) break;
  }
  while (seams.unsure) take(9);
  return { torn: seams.torn, missing: kernel.routes.filter(({ id, hidden }) => !hidden && !seen.has(id)) };
}

interface Step {
  readonly early: readonly number[];
  readonly late: readonly number[];
  readonly size: number;
  readonly budget: number;
}

test('DumpSeams calls every reading torn that skipped a route', () => {
  fc.assert(
    fc.property(schedule, (given) => {
      const { torn, missing } = read(given);
      if (!torn) expect(missing).toEqual([]);
    }),
    { numRuns: 3000 },
  );
});

test('DumpSeams knows a skipped route, and lets a deletion elsewhere pass', () => {
  const aliases = [1, 2, 2, 2, 2, 2, 9].map((address) => ({ address, hidden: false }));
  const step: Step = { early: [], late: [], size: 2, budget: 9 };
  // The first part ends after the first route of address 2; that is deleted before the second is filled.
  expect(read({ aliases, steps: [{ ...step, early: [1] }] })).toMatchObject({ torn: true, missing: [{ id: 2 }] });
  expect(read({ aliases, steps: [{ ...step, early: [6] }] })).toEqual({ torn: false, missing: [] });
  expect(read({ aliases, steps: [step, step, step, { ...step, late: [1] }] })).toEqual({ torn: false, missing: [] });
});
