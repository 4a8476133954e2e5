/** The balance stage's maps as the control plane holds them: memory shared with packets, and a few by system call. */

import type { LbBackend, LbService, LbSettings } from '../bpf/generated/headrace.ts';
import {
  lbBackendCodec,
  lbCapacity,
  lbRingCodec,
  lbServiceCodec,
  lbSettingsCodec,
  lbSlotLayout,
  maps,
} from '../bpf/generated/headrace.ts';
import type { BpfMap, MappedMap } from '../bpf/map.ts';
import type { DataPlaneMaps } from '../dataplane/index.ts';
import { ServiceIndex, tablesOf } from './packet-path/index.ts';
import { RecordTable } from './record-table.ts';
import { type RingMemory, ringMemory } from './ring-keeper.ts';

/** Maps of the stage itself; those of the translation are there while a service wants it. */
type Present = {
  readonly [Name in keyof DataPlaneMaps as Name extends `nat${string}` ? never : Name]-?: Exclude<
    DataPlaneMaps[Name],
    undefined
  >;
} & Pick<DataPlaneMaps, Extract<keyof DataPlaneMaps, `nat${string}`>>;

export class BalanceMemory implements Disposable {
  /** Number of the map of tables: tells these maps from those of another time. */
  readonly identity: number;
  readonly index: ServiceIndex;
  readonly services: RecordTable<LbService>;
  readonly backends: RecordTable<LbBackend>;
  readonly rings: RingMemory;
  readonly settings: RecordTable<LbSettings>;
  readonly limits: {
    readonly services: number;
    readonly backends: number;
    readonly rings: number;
    readonly lines: number;
  };
  readonly #current: () => DataPlaneMaps;
  readonly #mapped: MappedMap[] = [];

  /** @param current the maps at the time of each use: they become other objects when the program is loaded again. */
  constructor(current: () => DataPlaneMaps) {
    this.#current = current;
    const { lbTables, lbSettings } = this.maps;
    const view = (map: BpfMap<never, never>): DataView => {
      const mapped = map.mmap();
      this.#mapped.push(mapped);
      return mapped.view;
    };
    this.identity = lbTables.info().id;
    const tables = tablesOf(view(lbTables as never));
    this.index = new ServiceIndex(tables.index, tables.filter);
    this.services = new RecordTable(tables.services, lbServiceCodec);
    this.backends = new RecordTable(tables.backends, lbBackendCodec);
    this.rings = ringMemory(tables.rings, tables.slots);
    this.settings = new RecordTable(view(lbSettings as never), lbSettingsCodec);
    this.limits = {
      services: lbCapacity.SERVICES_MAX,
      backends: Math.min(lbCapacity.BACKENDS_MAX, 0xffff),
      rings: this.rings.records.byteLength / lbRingCodec.size,
      lines: lbCapacity.SLOTS_MAX / lbSlotLayout.SLOTS_PER_LINE,
    };
  }

  /** @throws Error when the balance stage is off. */
  get maps(): Present {
    const current = this.#current();
    if (!current.lbTables) throw new Error(`use map ${maps.lbTables.name}: the balance stage is off`);
    return current as Present;
  }

  /**
   * Forgets everything that leads packets anywhere, what is closest to them first: whoever was left by somebody else
   * may not be found by the numbers of today.
   */
  clear(): void {
    const { lbPrefixes, lbRanges, lbQuicIds, lbFlows, lbTracked, lbFragments } = this.maps;
    const { natFlows, natOpening, natFragments, natSources } = this.maps;
    this.index.clear();
    this.settings.storeWord(0, 0, 0); // number of prefixes
    for (const map of [lbPrefixes, lbRanges, lbQuicIds] as unknown as BpfMap<unknown, unknown>[])
      for (const key of [...map.keys()]) map.delete(key);
    const remembered = [lbFlows, lbTracked, lbFragments, natFlows, natOpening, natFragments, natSources];
    for (const map of remembered as unknown as (BpfMap<unknown, unknown> | undefined)[])
      for (const [key] of map?.readBatch() ?? []) map?.delete(key);
    this.rings.records.fill(0n);
    for (let number = 0; number < this.limits.backends; number++) this.backends.storeWord(number, 0, 0);
  }

  close(): void {
    for (const mapped of this.#mapped) mapped.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
