/**
 * Records that every CPU has for itself, in a mapped array map of one large value a CPU: as in a per-CPU map, but read
 * where they lie, without a system call. Packets write meanwhile: what is read is no snapshot, and each word is whole.
 */
import type { Codec } from './codec.ts';
import type { BpfMap } from './map.ts';

/** Where the records are in a CPU's value. */
interface Place<V> {
  readonly offset: number;
  readonly count: number;
  readonly codec: Codec<V>;
}

/** A codec that knows where fields are: those of structs. */
interface Fields<T> {
  readonly size: number;
  field(view: DataView, name: keyof T): DataView;
}

export class CpuCells<V> {
  readonly #map: BpfMap<number, unknown>;
  readonly #place: Place<V>;

  private constructor(map: BpfMap<number, unknown>, place: Place<V>) {
    this.#map = map;
    this.#place = place;
  }

  /**
   * The records in one field, an array, of each CPU's value.
   * @param map stays the caller's, and is to be open whenever this is used
   */
  static field<T, V>(map: BpfMap<number, T>, struct: Fields<T>, name: keyof T, codec: Codec<V>): CpuCells<V> {
    const field = struct.field(map.shared, name);
    const offset = field.byteOffset - map.shared.byteOffset;
    return new CpuCells(map as BpfMap<number, unknown>, { offset, count: field.byteLength / codec.size, codec });
  }

  get cpus(): number {
    return this.#map.maxEntries;
  }

  get maxEntries(): number {
    return this.#place.count;
  }

  /** Distance of two records in what `readRange` gives, in bytes. */
  get valueStride(): number {
    return this.#place.codec.size;
  }

  #at(cpu: number, index: number): number {
    const { offset, count, codec } = this.#place;
    if (index < 0 || index >= count)
      throw new RangeError(`find record ${index} of map ${this.#map.name}: there are ${count}`);
    return cpu * ((this.#map.valueStride + 7) & ~7) + offset + index * codec.size;
  }

  /** A copy of `count` records from index `first` on: that of element i and CPU c is at `(c * count + i) * valueStride`. */
  readRange(first: number, count: number): DataView {
    const { shared } = this.#map;
    const bytes = count * this.valueStride;
    const copy = new Uint8Array(bytes * this.cpus);
    this.#at(0, first + Math.max(0, count - 1));
    for (let cpu = 0; cpu < this.cpus; cpu++)
      copy.set(new Uint8Array(shared.buffer, shared.byteOffset + this.#at(cpu, first), bytes), cpu * bytes);
    return new DataView(copy.buffer);
  }

  /** A value for each CPU. */
  getPerCpu(index: number): V[] {
    const { shared } = this.#map;
    return Array.from({ length: this.cpus }, (_, cpu) => this.#place.codec.read(shared, this.#at(cpu, index)));
  }

  /** Gives every CPU this value. */
  set(index: number, value: V): void {
    for (let cpu = 0; cpu < this.cpus; cpu++) this.setOf(cpu, index, value);
  }

  /** Gives one CPU this value. */
  setOf(cpu: number, index: number, value: V): void {
    this.#place.codec.write(this.#map.shared, this.#at(cpu, index), value);
  }
}
