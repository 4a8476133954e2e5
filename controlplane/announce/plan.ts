/**
 * From what is wished for each VIP and what stands in the table to the changes between: pure, so that its laws can be
 * tested.
 *
 * A VIP whose metric changes never is without a route on the way: what is added comes before what is deleted. FRR (8.4
 * measured) needs the opposite: when one of two routes of a prefix goes it forgets the other as well, for good. There
 * the new one follows the deletion at once, before FRR, which gathers changes for 50 ms, has told anybody.
 */

/**
 * `announce`: a route with the normal metric. `depreference`: one with the worse metric, so that neighbors prefer other
 * boxes. `withdraw`: none. `keep`: whatever there is, since nothing has been decided yet.
 */
export type Wish = 'announce' | 'depreference' | 'withdraw' | 'keep';

/** A route of ours in the table. */
export interface VipRoute {
  /** As a prefix: 198.51.100.10/32. */
  readonly vip: string;
  readonly metric: number;
  /** Whether it is of the kind that is made now: a blackhole, or bound to the device held open. */
  readonly rightKind: boolean;
}

export interface Metrics {
  readonly normal: number;
  readonly depreferenced: number;
}

export type RouteOperation =
  /** `replace`: a route of the same metric and another kind stands there. */
  | { readonly kind: 'add'; readonly vip: string; readonly metric: number; readonly replace: boolean }
  | { readonly kind: 'delete'; readonly vip: string; readonly metric: number };

export type Order = 'add-first' | 'delete-first';

/** Routes of VIPs nobody wishes for are deleted: they are what a former configuration left. */
export function planRoutes(
  wishes: ReadonlyMap<string, Wish>,
  routes: readonly VipRoute[],
  metrics: Metrics,
  order: Order = 'add-first',
): RouteOperation[] {
  const present = new Map<string, VipRoute[]>();
  for (const route of routes) {
    const list = present.get(route.vip);
    if (list) list.push(route);
    else present.set(route.vip, [route]);
  }
  const additions: RouteOperation[] = [];
  const deletions: RouteOperation[] = [];
  for (const [vip, wish] of wishes) {
    const there = present.get(vip) ?? [];
    present.delete(vip);
    if (wish === 'keep') continue;
    const metric = wish === 'withdraw' ? undefined : wish === 'announce' ? metrics.normal : metrics.depreferenced;
    const same = there.find((route) => route.metric === metric);
    const gone = there
      .filter((route) => route.metric !== metric)
      .map((route): RouteOperation => ({ kind: 'delete', vip, metric: route.metric }));
    if (metric === undefined || same?.rightKind) deletions.push(...gone);
    else {
      const add: RouteOperation = { kind: 'add', vip, metric, replace: same !== undefined };
      additions.push(...(order === 'add-first' ? [add, ...gone] : [...gone, add]));
    }
  }
  for (const left of present.values())
    for (const { vip, metric } of left) deletions.push({ kind: 'delete', vip, metric });
  return [...additions, ...deletions];
}
