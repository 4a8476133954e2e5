/** The programs that do nothing but look routes up, with their tables mapped: what tests fill and benches time. */

import type { MapDescriptor } from '../../controlplane/bpf/codec.ts';
import { maps } from '../../controlplane/bpf/generated/fib-bench.ts';
import { BpfObject, type MappedMap, type Program } from '../../controlplane/bpf/index.ts';
import {
  ListMemory,
  ListTable,
  NextHopTable,
  type RouteTable,
  SlotMemory,
  StrideTable,
  timedGrace,
} from '../../controlplane/routing/fib/index.ts';
import type { SyntheticRoutes } from './synthetic-routes.ts';

export class FibPrograms implements Disposable {
  readonly ipv4: StrideTable;
  readonly ipv6: ListTable;
  readonly nextHops: NextHopTable;
  readonly #object: BpfObject;
  readonly #mapped: MappedMap[] = [];
  readonly #programs = new Map<string, Program>();
  readonly #probes: DataView;
  readonly #answers: DataView;
  readonly #run: DataView;

  constructor() {
    this.#object = BpfObject.open('build/xdp/fib-bench.bpf.o');
    try {
      this.#object.setConstants({ feature_mirror: true });
      this.#object.load();
      const grace = timedGrace(0);
      const memory = (root: DataView, groups: DataView) => new SlotMemory(wordsOf(root), wordsOf(groups));
      this.ipv4 = new StrideTable(1, memory(this.#map(maps.fibRoot4), this.#map(maps.fibGroups4)), grace);
      const lists6 = new ListMemory(wordsOf(this.#map(maps.fibLists6)));
      this.ipv6 = new ListTable(memory(this.#map(maps.fibRoot6), this.#map(maps.fibGroups6)), lists6, grace);
      this.nextHops = new NextHopTable(this.#map(maps.fibNextHops), grace);
      this.#probes = this.#map(maps.probes);
      this.#answers = this.#map(maps.answers);
      this.#run = this.#map(maps.probeRun);
      const trust = this.#map(maps.fibTrust);
      maps.fibTrust.value.write(trust, 0, {
        lease: 2n ** 63n,
        ipv4: 1,
        ipv6: 1,
        default4: 0,
        default6: 0,
        written: 1,
        reserved: 0,
      });
    } catch (cause) {
      this[Symbol.dispose]();
      throw cause;
    }
  }

  /** Which addresses the next runs look up, `size` bytes each; their number is a power of two. */
  setProbes(addresses: Uint8Array, size: 4 | 16, ifindex: number): void {
    const count = addresses.length / size;
    const target = new Uint8Array(this.#probes.buffer, this.#probes.byteOffset);
    for (let i = 0; i < count; i++) target.set(addresses.subarray(i * size, (i + 1) * size), i * 16);
    maps.probeRun.value.write(this.#run, 0, { cursor: 0, mask: count - 1, ifindex, asked: 0 });
  }

  /** @returns nanoseconds a run. */
  run(program: string, repeat: number): number {
    let handle = this.#programs.get(program);
    if (!handle) {
      handle = this.#object.program(program);
      this.#programs.set(program, handle);
    }
    return handle.testRun({ data: new Uint8Array(64), repeat }).durationNs;
  }

  /** Runs of the current probes that ended with "ask", or with an error of the helper. */
  get asked(): number {
    return maps.probeRun.value.read(this.#run, 0).asked;
  }

  /** What the program noted for probe `index`: the table's word, and the ifindex (0: ask). */
  answer(index: number): { readonly entry: number; readonly ifindex: number } {
    return {
      entry: this.#answers.getUint32(index * 8, true),
      ifindex: this.#answers.getUint32(index * 8 + 4, true),
    };
  }

  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program.close();
    for (const map of this.#mapped) map.close();
    this.#object.close();
  }

  #map<V>(descriptor: MapDescriptor<number, V>): DataView {
    using map = this.#object.map(descriptor);
    const mapped = map.mmap();
    this.#mapped.push(mapped);
    return mapped.view;
  }
}

/** Puts all routes into a table, next hop i of the routes as `hopNumbers[i]`. @returns milliseconds it took. */
export function fillTable(table: RouteTable, routes: SyntheticRoutes, hopNumbers: readonly number[]): number {
  const started = performance.now();
  const { words, addresses, lengths, hops } = routes;
  for (let i = 0; i < lengths.length; i++)
    table.set(addresses.subarray(i * words, (i + 1) * words), lengths[i]!, hopNumbers[hops[i]!]!);
  return performance.now() - started;
}

function wordsOf(view: DataView): Uint32Array {
  return new Uint32Array(view.buffer, view.byteOffset, view.byteLength / 4);
}
