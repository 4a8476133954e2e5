/**
 * A map: typed keys and values over a file descriptor of its own.
 *
 * A map keeps living in the kernel while any descriptor, program or pin refers to it; closing this object closes one
 * descriptor and nothing else.
 */
import type { Codec, MapDescriptor } from './codec.ts';
import { BpfError, LayoutError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close, errno, mapShared, unmap } from './libc.ts';

const perCpuTypes: ReadonlySet<number> = new Set([5, 6, 10, 21]);
const ENOENT = 2;
const ENOSPC = 28;

/** What the kernel says of a map. Sizes in bytes. */
export interface MapInfo {
  readonly type: number;
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** Shared memory with the kernel. Reading it after `close` is refused. */
export class MappedMap implements Disposable {
  readonly #address: bigint;
  readonly #length: number;
  #view: DataView | undefined;

  constructor(address: bigint, length: number) {
    this.#address = address;
    this.#length = length;
    this.#view = new DataView(libbpf.viewMemory(address, length));
  }

  get view(): DataView {
    if (!this.#view) throw new Error('read mapped map: it is closed');
    return this.#view;
  }

  close(): void {
    if (!this.#view) return;
    this.#view = undefined;
    unmap(this.#address, this.#length);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export class BpfMap<K, V> implements Disposable {
  readonly name: string;
  /** Values a key has: one for each possible CPU in per-CPU maps, else 1. */
  readonly cpus: number;
  readonly #key: Codec<K>;
  readonly #value: Codec<V>;
  readonly #keyBuffer: Buffer;
  #valueMemory: Buffer | undefined;
  readonly #keyView: DataView;
  #valueMemoryView: DataView | undefined;
  readonly #perCpu: boolean;
  #shared: MappedMap | undefined;
  #fd: number;
  #maxEntries: number;

  /** Takes over `fd`. */
  constructor(fd: number, descriptor: MapDescriptor<K, V>) {
    this.#fd = fd;
    this.name = descriptor.name;
    this.#maxEntries = descriptor.maxEntries;
    this.#key = descriptor.key;
    this.#value = descriptor.value;
    this.#perCpu = perCpuTypes.has(descriptor.type);
    this.cpus = this.#perCpu ? libbpf.possibleCpus() : 1;
    this.#keyBuffer = Buffer.alloc(this.#key.size);
    this.#keyView = viewOf(this.#keyBuffer);
  }

  /** @throws BpfError, ENOENT when nothing is pinned there. */
  static openPinned<K, V>(path: string, descriptor: MapDescriptor<K, V>): BpfMap<K, V> {
    const fd = libbpf.getPinned(path);
    if (fd < 0) throw new BpfError(`open pinned map ${path}`, fd);
    return BpfMap.checked(fd, descriptor);
  }

  /** Takes over `fd`, and closes it when it is not the map described. @throws LayoutError */
  static checked<K, V>(fd: number, descriptor: MapDescriptor<K, V>): BpfMap<K, V> {
    const map = new BpfMap(fd, descriptor);
    try {
      const info = map.info();
      for (const [what, want, have] of [
        ['type', descriptor.type, info.type],
        ['key size', descriptor.key.size, info.keySize],
        ['value size', descriptor.value.size, info.valueSize],
      ] as const)
        if (want !== have) throw new LayoutError(`open map ${descriptor.name}: ${what} is ${have}, not ${want}`);
      map.#maxEntries = info.maxEntries;
      return map;
    } catch (error) {
      map.close();
      throw error;
    }
  }

  get fd(): number {
    if (this.#fd < 0) throw new Error(`use map ${this.name}: it is closed`);
    return this.#fd;
  }

  /** As the kernel has it, which may be more than the object's default. */
  get maxEntries(): number {
    return this.#maxEntries;
  }

  /** Distance of two CPUs' values, in bytes. */
  get valueStride(): number {
    return this.#perCpu ? (this.#value.size + 7) & ~7 : this.#value.size;
  }

  /** Made when it is first used: values may be as large as 64 MiB, in maps that are only ever mapped. */
  get #valueBuffer(): Buffer {
    this.#valueMemory ??= Buffer.alloc(this.valueStride * this.cpus);
    return this.#valueMemory;
  }

  get #valueView(): DataView {
    this.#valueMemoryView ??= viewOf(this.#valueBuffer);
    return this.#valueMemoryView;
  }

  info(): MapInfo {
    return readMapInfo(this.fd, this.name);
  }

  /** The value; in per-CPU maps that of the first CPU. */
  get(key: K): V | undefined {
    return this.getPerCpu(key)?.[0];
  }

  /** One value for each possible CPU (one in maps that are not per CPU). */
  getPerCpu(key: K): V[] | undefined {
    this.#key.write(this.#keyView, 0, key);
    const result = libbpf.lookupElement(this.fd, this.#keyBuffer, this.#valueBuffer);
    if (result === -ENOENT) return undefined;
    if (result < 0) throw new BpfError(`look up in map ${this.name}`, result);
    return Array.from({ length: this.cpus }, (_, cpu) => this.#value.read(this.#valueView, cpu * this.valueStride));
  }

  /** Creates or replaces. In per-CPU maps every CPU gets the value. */
  set(key: K, value: V): void {
    this.#key.write(this.#keyView, 0, key);
    for (let cpu = 0; cpu < this.cpus; cpu++) this.#value.write(this.#valueView, cpu * this.valueStride, value);
    const result = libbpf.updateElement(this.fd, this.#keyBuffer, this.#valueBuffer, 0);
    if (result < 0) throw new BpfError(`update map ${this.name}`, result);
  }

  /** @returns whether there was one. */
  delete(key: K): boolean {
    this.#key.write(this.#keyView, 0, key);
    const result = libbpf.deleteElement(this.fd, this.#keyBuffer);
    if (result < 0 && result !== -ENOENT) throw new BpfError(`delete from map ${this.name}`, result);
    return result === 0;
  }

  /** Keys as they stand. While others write a hash may repeat or miss some. */
  *keys(): Generator<K> {
    let previous: Buffer | null = null;
    for (;;) {
      const next = Buffer.alloc(this.#key.size);
      const result = libbpf.nextKey(this.fd, previous, next);
      if (result === -ENOENT) return;
      if (result < 0) throw new BpfError(`walk map ${this.name}`, result);
      yield this.#key.read(viewOf(next), 0);
      previous = next;
    }
  }

  *entries(): Generator<[K, V]> {
    for (const key of [...this.keys()]) {
      const value = this.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /**
   * Raw values of `count` elements of an array map from index `first` on, in one system call: element i, CPU c is at
   * `(i * cpus + c) * valueStride`.
   */
  readRange(first: number, count: number): DataView {
    const from = Buffer.alloc(8);
    from.writeUInt32LE(Math.max(0, first - 1));
    const values = Buffer.alloc(count * this.cpus * this.valueStride);
    const keys = Buffer.alloc(count * 4);
    const read = libbpf.lookupBatch(this.fd, first === 0 ? null : from, Buffer.alloc(8), keys, values, count);
    if (read.result < 0 && read.result !== -ENOENT) throw new BpfError(`read batch of map ${this.name}`, read.result);
    return viewOf(values);
  }

  /** Raw values of a whole per-CPU array, in one system call: see `readRange`. */
  readAllPerCpu(): DataView {
    return this.readRange(0, this.maxEntries);
  }

  /**
   * All entries of a hash or array, `size` in a system call. While others write, a hash may repeat or miss some.
   * @throws BpfError where the kernel has no batches for the map's type (devmaps).
   */
  readBatch(size = 1024): [K, V][] {
    const entries: [K, V][] = [];
    const stride = this.valueStride * this.cpus;
    let from: Buffer | null = null;
    for (let count = size; ; ) {
      const keys = Buffer.alloc(count * this.#key.size);
      const values = Buffer.alloc(count * stride);
      const to = Buffer.alloc(Math.max(8, this.#key.size));
      const read = libbpf.lookupBatch(this.fd, from, to, keys, values, count);
      if (read.result === -ENOSPC) {
        count *= 2; // a hash bucket is read whole or not at all
        continue;
      }
      if (read.result < 0 && read.result !== -ENOENT) throw new BpfError(`read batch of map ${this.name}`, read.result);
      const [keyView, valueView] = [viewOf(keys), viewOf(values)];
      for (let i = 0; i < read.count; i++)
        entries.push([this.#key.read(keyView, i * this.#key.size), this.#value.read(valueView, i * stride)]);
      if (read.result === -ENOENT) return entries;
      from = to;
    }
  }

  /**
   * All entries of a hash, `size` in a system call, as they lie in memory: for tables too large to make objects of. An
   * entry that is there from beginning to end is met; others may be.
   */
  *rawBatches(size: number): Generator<{ readonly count: number; readonly keys: Buffer; readonly values: DataView }> {
    const stride = this.valueStride * this.cpus;
    let from: Buffer | null = null;
    for (let room = size; ; ) {
      const keys = Buffer.alloc(room * this.#key.size);
      const values = Buffer.alloc(room * stride);
      const to = Buffer.alloc(Math.max(8, this.#key.size));
      const read = libbpf.lookupBatch(this.fd, from, to, keys, values, room);
      if (read.result === -ENOSPC) {
        room *= 2; // a hash bucket is read whole or not at all
        continue;
      }
      if (read.result < 0 && read.result !== -ENOENT) throw new BpfError(`read batch of map ${this.name}`, read.result);
      if (read.count > 0) yield { count: read.count, keys, values: viewOf(values) };
      if (read.result === -ENOENT) return;
      from = to;
    }
  }

  /** Deletes by the key as it lies in memory. @returns whether there was one. */
  deleteRaw(key: Uint8Array): boolean {
    this.#keyBuffer.set(key);
    const result = libbpf.deleteElement(this.fd, this.#keyBuffer);
    if (result < 0 && result !== -ENOENT) throw new BpfError(`delete from map ${this.name}`, result);
    return result === 0;
  }

  /** Is there an entry under the key as it lies in memory? */
  hasRaw(key: Uint8Array): boolean {
    this.#keyBuffer.set(key);
    const result = libbpf.lookupElement(this.fd, this.#keyBuffer, this.#valueBuffer);
    if (result < 0 && result !== -ENOENT) throw new BpfError(`look up in map ${this.name}`, result);
    return result === 0;
  }

  /** Creates or replaces all, in one system call. Not for per-CPU maps. */
  updateBatch(entries: readonly (readonly [K, V])[]): void {
    if (this.#perCpu) throw new Error(`update batch of map ${this.name}: it is per CPU`);
    if (entries.length === 0) return;
    const values = Buffer.alloc(entries.length * this.#value.size);
    const view = viewOf(values);
    entries.forEach(([, value], i) => {
      this.#value.write(view, i * this.#value.size, value);
    });
    const keys = this.#keys(entries.map(([key]) => key));
    const result = libbpf.updateBatch(this.fd, keys, values, entries.length);
    if (result < 0) throw new BpfError(`update batch of map ${this.name}`, result);
  }

  /** Deletes all, in one system call. Stops at the first that is missing: BpfError with ENOENT. */
  deleteBatch(keys: readonly K[]): void {
    if (keys.length === 0) return;
    const result = libbpf.deleteBatch(this.fd, this.#keys(keys), keys.length);
    if (result < 0) throw new BpfError(`delete batch of map ${this.name}`, result);
  }

  #keys(keys: readonly K[]): Buffer {
    const raw = Buffer.alloc(keys.length * this.#key.size);
    const view = viewOf(raw);
    keys.forEach((key, i) => {
      this.#key.write(view, i * this.#key.size, key);
    });
    return raw;
  }

  /** The whole of an array made with BPF_F_MMAPABLE, where it lies: mapped when first asked for, as long as the map is open. */
  get shared(): DataView {
    this.#shared ??= this.mmap();
    return this.#shared.view;
  }

  /** Maps the whole of an array made with BPF_F_MMAPABLE. */
  mmap(): MappedMap {
    const bytes = ((this.#value.size + 7) & ~7) * this.maxEntries;
    const length = Math.ceil(bytes / 4096) * 4096;
    const address = mapShared(this.fd, length);
    if (address === undefined) {
      const code = errno();
      throw new BpfError(`map map ${this.name} into memory`, code);
    }
    return new MappedMap(address, length);
  }

  pin(path: string): void {
    const result = libbpf.pin(this.fd, path);
    if (result < 0) throw new BpfError(`pin map ${this.name} at ${path}`, result);
  }

  close(): void {
    if (this.#fd < 0) return;
    this.#shared?.close();
    close(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Info of any map by its descriptor; `name` is for the error's text. */
export function readMapInfo(fd: number, name: string): MapInfo {
  const raw = Buffer.alloc(88);
  const result = libbpf.objectInfo(fd, raw);
  if (result < 0) throw new BpfError(`read info of map ${name}`, result);
  return {
    type: raw.readUInt32LE(0),
    id: raw.readUInt32LE(4),
    keySize: raw.readUInt32LE(8),
    valueSize: raw.readUInt32LE(12),
    maxEntries: raw.readUInt32LE(16),
    flags: raw.readUInt32LE(20),
  };
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
