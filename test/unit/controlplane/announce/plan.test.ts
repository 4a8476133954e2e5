import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Order, planRoutes, type VipRoute, type Wish } from '../../../../controlplane/announce/index.ts';

const metrics = { normal: 100, depreferenced: 200 };
const vips = ['198.51.100.1/32', '198.51.100.2/32', '2001:db8::1/128', '198.51.100.64/28'];
const wishes = fc
  .dictionary(fc.constantFrom(...vips), fc.constantFrom<Wish>('announce', 'depreference', 'withdraw', 'keep'))
  .map((record) => new Map(Object.entries(record)));
const routes = fc
  .uniqueArray(
    fc.record({ vip: fc.constantFrom(...vips), metric: fc.constantFrom(100, 200, 300), rightKind: fc.boolean() }),
    { selector: ({ vip, metric }) => `${vip} ${metric}` },
  )
  .map((list): VipRoute[] => list);

const orders = fc.constantFrom<Order>('add-first', 'delete-first');

/** A table that takes changes one by one, and looks at every state on the way. */
function carryOut(
  wished: ReadonlyMap<string, Wish>,
  before: readonly VipRoute[],
  look: (now: readonly VipRoute[]) => void,
  order: Order,
) {
  const table = new Map(before.map((route) => [`${route.vip} ${route.metric}`, route]));
  for (const operation of planRoutes(wished, before, metrics, order)) {
    const key = `${operation.vip} ${operation.metric}`;
    if (operation.kind === 'add') {
      expect(table.has(key), 'a route is replaced only where one stands').toBe(operation.replace);
      table.set(key, { vip: operation.vip, metric: operation.metric, rightKind: true });
    } else expect(table.delete(key), 'what is deleted is there').toBe(true);
    look([...table.values()]);
  }
  return [...table.values()];
}

describe('planRoutes()', () => {
  it('leads to what is wished, and from there to nothing more', () => {
    fc.assert(
      fc.property(wishes, routes, orders, (wished, before, order) => {
        const after = carryOut(wished, before, () => undefined, order);
        for (const vip of vips) {
          const have = after.filter((route) => route.vip === vip);
          const wish = wished.get(vip);
          if (wish === 'keep') expect(have).toEqual(before.filter((route) => route.vip === vip));
          else if (wish === 'announce') expect(have).toEqual([{ vip, metric: 100, rightKind: true }]);
          else if (wish === 'depreference') expect(have).toEqual([{ vip, metric: 200, rightKind: true }]);
          else expect(have).toEqual([]);
        }
        expect(planRoutes(wished, after, metrics, order)).toEqual([]);
      }),
    );
  });

  it('deleting first, adds the new route right after the old one is gone', () => {
    const there = vips.map((vip) => ({ vip, metric: 100, rightKind: true }));
    const wished = new Map(vips.map((vip) => [vip, 'depreference' as const]));
    expect(planRoutes(wished, there, metrics, 'delete-first').map(({ kind, vip }) => `${kind} ${vip}`)).toEqual(
      vips.flatMap((vip) => [`delete ${vip}`, `add ${vip}`]),
    );
  });

  it('never leaves a VIP without a route that had one and shall have one', () => {
    fc.assert(
      fc.property(wishes, routes, (wished, before) => {
        const staying = vips.filter(
          (vip) =>
            ['announce', 'depreference'].includes(wished.get(vip) ?? '') && before.some((route) => route.vip === vip),
        );
        carryOut(
          wished,
          before,
          (now) => {
            for (const vip of staying) expect(now.some((route) => route.vip === vip)).toBe(true);
          },
          'add-first',
        );
      }),
    );
  });
});
