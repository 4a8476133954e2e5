/**
 * How many packets a second took which route, from some that were looked at and the number of all.
 *
 * A route's share of the packets looked at is taken for its share of all. Where all were looked at, that is exact; else
 * the error told is that of a share of a random sample, with 95 % confidence.
 */

export interface RouteHits {
  readonly prefix: string;
  /** Null where none was looked up: no route. */
  readonly table: number | null;
  readonly packetsPerSecond: number;
  /** Of packets a second; 0 when every packet was looked at. */
  readonly plusMinus: number;
  /** Share that the fast path sent on; the rest is the kernel's. */
  readonly fast: number;
}

export interface Seen {
  /** All packets that matched, looked at or not. */
  readonly packets: number;
  readonly seconds: number;
}

const CONFIDENCE = 1.96;

export class HitCount {
  readonly #routes = new Map<string, { prefix: string; table: number | null; packets: number; fast: number }>();
  #looked = 0;

  /** Packets that were looked at. */
  get looked(): number {
    return this.#looked;
  }

  add(route: { readonly prefix: string; readonly table: number | null }, fast: boolean): void {
    const key = `${route.table} ${route.prefix}`;
    const known = this.#routes.get(key) ?? { ...route, packets: 0, fast: 0 };
    known.packets++;
    if (fast) known.fast++;
    this.#routes.set(key, known);
    this.#looked++;
  }

  /** The busiest first. */
  routes({ packets, seconds }: Seen): RouteHits[] {
    const looked = this.#looked;
    // More may have been looked at than were counted: both begin at almost the same time.
    const all = Math.max(packets, looked);
    return [...this.#routes.values()]
      .sort((a, b) => b.packets - a.packets)
      .map(({ prefix, table, packets: own, fast }) => {
        const share = own / looked;
        const error = all === looked ? 0 : CONFIDENCE * Math.sqrt((share * (1 - share)) / looked);
        return {
          prefix,
          table,
          packetsPerSecond: (share * all) / seconds,
          plusMinus: (error * all) / seconds,
          fast: fast / own,
        };
      });
  }
}
