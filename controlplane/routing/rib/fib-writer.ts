/**
 * From routes to tables: what every prefix on the list of changed ones answers now, and the next-hop records behind.
 *
 * Only the main table is written; what the local table covers is the kernel's. A record belongs to one hop as long as
 * any prefix of the tables names it. A hop whose neighbor is not resolved keeps its record, which says "ask": one
 * store when it resolves and none to any prefix.
 */
import { ask, type NextHopTable, type ResolvedHop, type RouteTable } from '../fib/index.ts';
import { type Hop, type HopRecord, type Leg, legKey } from './hop-registry.ts';
import { localTable, mainTable, type Rib } from './rib.ts';

/** MAC addresses, MTU and egress of a leg; undefined while its neighbor is unknown, failed or not to be trusted. */
export type ResolveLeg = (leg: Leg) => ResolvedHop | undefined;

export class FibWriter {
  readonly #rib: Rib;
  readonly #table: RouteTable;
  readonly #records: NextHopTable;
  readonly #resolve: ResolveLeg;
  readonly #byKey = new Map<string, HopRecord>();
  readonly #byNumber: (HopRecord | undefined)[] = [];
  readonly #address: Uint32Array;
  #suspended: HopRecord[] = [];
  /** What `writeAll` has come to: prefixes of this length, routes before this number. */
  #length = 0;
  #cursor = 1;
  readonly #batch: number[] = [];
  /** Nobody's number: it keeps `warm` from being left out. */
  #warmth = 0;
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
        const record = this.#byKey.get(legKey(leg));
        if (!record) continue;
        records.ask(record.number);
        if (!record.suspended) this.#suspended.push(record);
        record.suspended = true;
      }
    };
  }

  /**
   * Brings up to `limit` changed prefixes up to date; the RIB has no work under way. What was suspended is believed again
   * when no prefix is left. @returns how many are left; 0 only when nothing is half done.
   */
  write(limit: number): number {
    for (let i = 0; i < limit; i++) {
      if (this.#table.unfinished) {
        this.#table.proceed();
        return this.#rib.changed + 1;
      }
      const length = this.#rib.takeChanged(this.#address);
      if (length < 0 && this.#rib.changed === 0) break;
      if (length < 0) continue;
      this.#writePrefix(this.#address, length);
      this.onWritten(this.#address, length);
    }
    const left = this.#rib.changed + (this.#table.unfinished ? 1 : 0);
    if (left === 0 && this.#suspended.length > 0) this.#resume();
    return left;
  }

  /** Routes that were not touched may share a record with those that were. */
  #resume(): void {
    const records = this.#suspended;
    this.#suspended = [];
    for (const record of records) {
      record.suspended = false;
      if (record.prefixes >= 0) this.#refreshRecord(record);
    }
  }

  /**
   * The first time, while nobody reads the tables: writes the prefixes of up to `limit` routes, the shortest first, so that
   * none is painted around another, and of each length in the order they were read, which is that of their addresses.
   * Changes that come meanwhile are noted by the RIB, and are `write`'s.
   * @returns whether there are more.
   */
  writeAll(limit: number): boolean {
    if (this.#table.unfinished) {
      this.#table.proceed();
      return true;
    }
    const batch = this.#batch;
    batch.length = 0;
    for (let i = 0; i < limit && this.#length <= this.#rib.words * 32; i++) {
      const route = this.#rib.nextOfLength(this.#cursor, this.#length);
      this.#cursor = route + 1;
      if (route === 0) {
        this.#length++;
        continue;
      }
      batch.push(route);
      this.#rib.prefixOf(route, this.#address);
      this.#warmth ^= this.#table.warm(this.#address, this.#length);
    }
    for (const route of batch) this.#build(route);
    return this.#length <= this.#rib.words * 32;
  }

  #build(route: number): void {
    const length = this.#rib.prefixOf(route, this.#address);
    const hop = this.#rib.plainHopOfOnly(route);
    if (hop === undefined) {
      this.#writePrefix(this.#address, length);
      return;
    }
    const record = this.#useRecord(hop, this.#address, length);
    this.#forget(this.#table.build(this.#address, length, record?.number ?? ask));
  }

  /** A neighbor or an interface changed: looks the legs up again that `concerns` picks. */
  refresh(concerns: (leg: Leg) => boolean): void {
    for (const record of this.#byKey.values()) if (concerns(record.leg)) this.#refreshRecord(record);
  }

  /** The same for one leg: its neighbor changed. */
  refreshLeg(leg: Leg): void {
    const record = this.#byKey.get(legKey(leg));
    if (record) this.#refreshRecord(record);
  }

  /** The way out a record stands for; undefined when no prefix names it. */
  legOf(record: number): Leg | undefined {
    return this.#byNumber[record]?.leg;
  }

  get records(): number {
    return this.#byKey.size;
  }

  #writePrefix(address: Uint32Array, length: number): void {
    const before = this.#table.get(address, length);
    const main = this.#rib.plainHop(mainTable, address, length);
    const isLocal = this.#rib.has(localTable, address, length);
    if (main === undefined && !isLocal) {
      if (before !== undefined) this.#table.delete(address, length);
    } else {
      const record = main && this.#useRecord(main, address, length);
      const number = record?.number ?? ask;
      if (before !== number) this.#table.set(address, length, number);
    }
    if (before) this.#forget(before);
  }

  /** The record that a prefix names from now on; undefined when the kernel is to be asked. */
  #useRecord(hop: Hop | 'ask', address: Uint32Array, length: number): HopRecord | undefined {
    if (hop === 'ask' || this.#rib.covers(localTable, address, length)) return undefined;
    const record = this.#recordOf(hop);
    if (!record) return undefined;
    record.prefixes++;
    if (!this.#records.isReady(record.number)) this.#refreshRecord(record);
    return record;
  }

  /** Undefined when no record is free. */
  #recordOf(hop: Hop): HopRecord | undefined {
    const leg = hop.legs[0]!;
    if (hop.record && hop.record.prefixes >= 0 && hop.record.leg === leg) return hop.record;
    const key = legKey(leg);
    let record = this.#byKey.get(key);
    if (!record) {
      const number = this.#records.allocate();
      if (number === ask) return undefined;
      record = { number, key, leg, prefixes: 0, suspended: false };
      this.#byKey.set(key, record);
      this.#byNumber[number] = record;
    }
    hop.record = record;
    return record;
  }

  #refreshRecord({ number, leg, suspended }: HopRecord): void {
    const resolved = suspended ? undefined : this.#resolve(leg);
    if (resolved) this.#records.resolve(number, resolved);
    else this.#records.ask(number);
  }

  #forget(number: number): void {
    const record = this.#byNumber[number];
    if (!record || --record.prefixes > 0) return;
    record.prefixes = -1;
    this.#byKey.delete(record.key);
    this.#byNumber[number] = undefined;
    this.#records.release(number);
  }
}
