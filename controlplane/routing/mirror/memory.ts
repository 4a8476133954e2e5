/**
 * The tables as the worker holds them: the pinned maps, mapped into its memory.
 *
 * The maps are made by the load of the program, in the main thread; here they are opened by their pins. What another
 * worker left in them is wiped before anything is written, in pieces, and only while nothing is trusted and no packet
 * can be reading any more.
 */
import path from 'node:path';
import { type FibTrust, maps, type Settings } from '../../bpf/generated/headrace.ts';
import { BpfMap, type MapDescriptor, type MappedMap } from '../../bpf/index.ts';
import { type BuildingGrace, ListMemory, ListTable, NextHopTable, SlotMemory, StrideTable } from '../fib/index.ts';

/** Words wiped in one piece: a millisecond or two. */
const PIECE = 1 << 18;

/** Wiped, they are as new. */
export interface Tables {
  readonly ipv4: StrideTable;
  readonly ipv6: ListTable;
  readonly nextHops: NextHopTable;
}

export class MirrorMemory implements Disposable {
  readonly #mapped: MappedMap[] = [];
  readonly #root4: Uint32Array;
  readonly #groups4: Uint32Array;
  readonly #root6: Uint32Array;
  readonly #groups6: Uint32Array;
  readonly #lists6: Uint32Array;
  readonly #nextHops: DataView;
  readonly #trust: DataView;
  readonly #settings: DataView;
  readonly #default4: Uint32Array;
  readonly #default6: Uint32Array;
  readonly #written: Uint32Array;
  readonly #tables: Tables;

  /**
   * `folder`: where the maps are pinned. `expected`: prefixes of each family the writer's own memory has room for at
   * once.
   */
  constructor(folder: string, grace: BuildingGrace, expected: { readonly 4: number; readonly 6: number }) {
    try {
      this.#root4 = wordsOf(this.#map(folder, maps.fibRoot4));
      this.#groups4 = wordsOf(this.#map(folder, maps.fibGroups4));
      this.#root6 = wordsOf(this.#map(folder, maps.fibRoot6));
      this.#groups6 = wordsOf(this.#map(folder, maps.fibGroups6));
      this.#lists6 = wordsOf(this.#map(folder, maps.fibLists6));
      this.#nextHops = this.#map(folder, maps.fibNextHops);
      this.#trust = this.#map(folder, maps.fibTrust);
      this.#settings = this.#map(folder, maps.settings);
      this.#default4 = this.#trustWord('default4');
      this.#default6 = this.#trustWord('default6');
      this.#written = this.#trustWord('written');
      const [four, six] = [
        new SlotMemory(this.#root4, this.#groups4, this.#default4, grace),
        new SlotMemory(this.#root6, this.#groups6, this.#default6, grace),
      ];
      this.#tables = {
        ipv4: new StrideTable(1, four, grace, expected[4]),
        ipv6: new ListTable(six, new ListMemory(this.#lists6), grace, expected[6]),
        nextHops: new NextHopTable(this.#nextHops, grace),
      };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #map<V>(folder: string, descriptor: MapDescriptor<number, V>): DataView {
    using map = BpfMap.openPinned(path.join(folder, descriptor.name), descriptor);
    const mapped = map.mmap();
    this.#mapped.push(mapped);
    return mapped.view;
  }

  /** Bytes of all tables together. */
  get bytes(): number {
    const words = [this.#root4, this.#groups4, this.#root6, this.#groups6, this.#lists6];
    return words.reduce((sum, array) => sum + array.byteLength, this.#nextHops.byteLength);
  }

  get settings(): Settings {
    return maps.settings.value.read(this.#settings, 0);
  }

  /** What packets believe. Fields are words that are stored one by one. */
  get trust(): FibTrust {
    return maps.fibTrust.value.read(this.#trust, 0);
  }

  /** The default routes' next hops are the tables' to write. */
  set trust({ lease, ipv4, ipv6 }: Pick<FibTrust, 'lease' | 'ipv4' | 'ipv6'>) {
    maps.fibTrust.value.write(this.#trust, 0, { ...this.trust, lease, ipv4, ipv6 });
  }

  /** The word of a field of the trust record. */
  #trustWord(field: 'default4' | 'default6' | 'written'): Uint32Array {
    const scratch = new DataView(new ArrayBuffer(maps.fibTrust.value.size));
    const zeros = { lease: 0n, ipv4: 0, ipv6: 0, default4: 0, default6: 0, written: 0, reserved: 0 };
    maps.fibTrust.value.write(scratch, 0, { ...zeros, [field]: 0xffffffff });
    const offset = new Uint32Array(scratch.buffer).indexOf(0xffffffff) * 4;
    return new Uint32Array(this.#trust.buffer, this.#trust.byteOffset + offset, 1);
  }

  /**
   * Wipes everything and starts the tables anew. Call it when nothing has been trusted for longer than any packet takes.
   * Groups and lists need no wiping: they are filled before anything leads to them. Nor do tables that nobody has written
   * to, which matters where memory that was never touched takes long. @returns undefined when cancelled.
   */
  async wipe(breathe: () => Promise<void> | undefined, cancelled: () => boolean): Promise<Tables | undefined> {
    if (this.#written[0] !== 0) {
      new Uint8Array(this.#nextHops.buffer, this.#nextHops.byteOffset, this.#nextHops.byteLength).fill(0);
      for (const root of [this.#root4, this.#root6])
        for (let from = 0; from < root.length; from += PIECE) {
          root.fill(0, from, from + PIECE);
          await breathe();
          if (cancelled()) return undefined;
        }
    }
    this.#written[0] = 1;
    this.#default4[0] = 0;
    this.#default6[0] = 0;
    for (const table of Object.values(this.#tables)) {
      table.reset();
      await breathe();
    }
    return cancelled() ? undefined : this.#tables;
  }

  close(): void {
    for (const mapped of this.#mapped) mapped.close();
    this.#mapped.length = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function wordsOf(view: DataView): Uint32Array {
  return new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4);
}
