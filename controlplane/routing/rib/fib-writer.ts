/**
 * From routes to tables: what every prefix on the list of changed ones answers now, and the next-hop records behind.
 *
 * Only the main table is written; what the local table covers is the kernel's. A record belongs to one hop as long as
 * any prefix of the tables names it. A hop whose neighbor is not resolved keeps its record, which says "ask": one
 * store when it resolves and none to any prefix.
 */
import { ask, type NextHopTable, type ResolvedHop, type RouteTable } from '../fib/index.ts';
import { type Hop, type Leg, legKey } from './hop-registry.ts';
import { localTable, mainTable, type Rib } from './rib.ts';

/** MAC addresses, MTU and egress of a leg; undefined while its neighbor is unknown, failed or not to be trusted. */
export type ResolveLeg = (leg: Leg) => ResolvedHop | undefined;

export class FibWriter {
  readonly #rib: Rib;
  readonly #table: RouteTable;
  readonly #records: NextHopTable;
  readonly #resolve: ResolveLeg;
  readonly #recordOfHop = new Map<string, number>();
  readonly #hopOfRecord = new Map<number, { readonly key: string; readonly leg: Leg; prefixes: number }>();
  readonly #address: Uint32Array;
  /** Routes that `writeAll` has written. */
  #cursor = 0;
  /** Called for every prefix that was brought up to date; the address is valid during the call. */
  onWritten: (address: Uint32Array, length: number) => void = () => {};

  constructor(rib: Rib, table: RouteTable, records: NextHopTable, resolve: ResolveLeg) {
    this.#rib = rib;
    this.#table = table;
    this.#records = records;
    this.#resolve = resolve;
    this.#address = new Uint32Array(rib.words);
    rib.onSuspend = (hop) => {
      for (const leg of hop.legs) {
        const record = this.#recordOfHop.get(legKey(leg));
        if (record !== undefined) records.ask(record);
      }
    };
  }

  /** Brings up to `limit` changed prefixes up to date. @returns how many are left. */
  write(limit: number): number {
    for (let i = 0; i < limit; i++) {
      const length = this.#rib.takeChanged(this.#address);
      if (length < 0) break;
      this.#writePrefix(this.#address, length);
      this.onWritten(this.#address, length);
    }
    return this.#rib.changed;
  }

  /**
   * The first time: writes the prefixes of up to `limit` routes. Changes that come meanwhile are noted by the RIB, and are
   * `write`'s.
   * @returns whether there are more.
   */
  writeAll(limit: number): boolean {
    const end = Math.min(this.#rib.highest, this.#cursor + limit);
    for (; this.#cursor < end; this.#cursor++) {
      const length = this.#rib.prefixOf(this.#cursor + 1, this.#address);
      if (length >= 0) this.#writePrefix(this.#address, length);
    }
    return this.#cursor < this.#rib.highest;
  }

  /** A neighbor or an interface changed: looks the legs up again that `concerns` picks. */
  refresh(concerns: (leg: Leg) => boolean): void {
    for (const [record, { leg }] of this.#hopOfRecord) if (concerns(leg)) this.#refreshRecord(record, leg);
  }

  /** The same for one leg: its neighbor changed. */
  refreshLeg(leg: Leg): void {
    const record = this.#recordOfHop.get(legKey(leg));
    if (record !== undefined) this.#refreshRecord(record, leg);
  }

  /** The way out a record stands for; undefined when no prefix names it. */
  legOf(record: number): Leg | undefined {
    return this.#hopOfRecord.get(record)?.leg;
  }

  get records(): number {
    return this.#hopOfRecord.size;
  }

  #writePrefix(address: Uint32Array, length: number): void {
    const before = this.#table.get(address, length);
    const hidden = this.#rib.covers(localTable, address, length);
    const main = this.#rib.plainHop(mainTable, address, length);
    const isLocal = this.#rib.has(localTable, address, length);
    if (main === undefined && !isLocal) {
      if (before !== undefined) this.#table.delete(address, length);
    } else {
      const hop = main === undefined || main === 'ask' || hidden ? undefined : main;
      const leg = hop?.legs[0];
      const record = hop ? this.#recordOf(hop) : ask;
      const owner = this.#hopOfRecord.get(record);
      if (owner) owner.prefixes++;
      if (leg && owner && !this.#records.isReady(record)) this.#refreshRecord(record, leg);
      if (before !== record) this.#table.set(address, length, record);
    }
    if (before) this.#forget(before);
  }

  #recordOf(hop: Hop): number {
    const leg = hop.legs[0]!;
    if (hop.record !== 0 && this.#hopOfRecord.get(hop.record)?.leg === leg) return hop.record;
    const key = legKey(leg);
    const known = this.#recordOfHop.get(key);
    if (known !== undefined) return known;
    const record = this.#records.allocate();
    if (record === ask) return ask;
    hop.record = record;
    this.#recordOfHop.set(key, record);
    this.#hopOfRecord.set(record, { key, leg, prefixes: 0 });
    return record;
  }

  #refreshRecord(record: number, leg: Leg): void {
    const resolved = this.#resolve(leg);
    if (resolved) this.#records.resolve(record, resolved);
    else this.#records.ask(record);
  }

  #forget(record: number): void {
    const owner = this.#hopOfRecord.get(record);
    if (!owner || --owner.prefixes > 0) return;
    this.#recordOfHop.delete(owner.key);
    this.#hopOfRecord.delete(record);
    this.#records.release(record);
  }
}
