/**
 * Reads a BPF_MAP_TYPE_RINGBUF: records that programs committed, in order, without a system call each.
 *
 * The kernel shares two positions and the data (kernel doc: bpf/ringbuf.rst): the consumer's on a page we write, the
 * producer's on a page we only read, followed by the data mapped twice in a row, so that no record is ever split.
 * A record starts with a 32-bit length whose top bits say "still being written" and "discarded".
 *
 * Whoever wants to be woken uses `start`, which lets libuv poll the map's descriptor. Without it, `drain` at leisure.
 */
import koffi from 'koffi';
import { BpfError } from './errors.ts';
import { viewMemory } from './libbpf.ts';
import { errno, mapShared, unmap } from './libc.ts';
import type { BpfMap } from './map.ts';

const PAGE = 4096;
const HEADER = 8;
const BUSY = 1 << 31;
const DISCARDED = 1 << 30;

export class RingBuffer implements Disposable {
  readonly #map: BpfMap<unknown, unknown>;
  readonly #mask: number;
  readonly #length: number;
  readonly #consumerAddress: bigint;
  readonly #producerAddress: bigint;
  #memory:
    | { readonly consumer: BigUint64Array; readonly producer: BigUint64Array; readonly data: ArrayBuffer }
    | undefined;
  /** Kept in a field: libuv stops polling for a handle nobody refers to. */
  #poll: ReturnType<typeof koffi.node.poll> | undefined;

  /** `map` must outlive the reader, which does not close it. @throws BpfError when it cannot be mapped. */
  constructor(map: BpfMap<unknown, unknown>) {
    this.#map = map;
    const size = map.maxEntries;
    this.#mask = size - 1;
    this.#length = PAGE + 2 * size;
    this.#consumerAddress = mapped(map, PAGE, 0, 'write');
    try {
      this.#producerAddress = mapped(map, this.#length, PAGE, 'read');
    } catch (error) {
      unmap(this.#consumerAddress, PAGE);
      throw error;
    }
    const producer = viewMemory(this.#producerAddress, this.#length);
    this.#memory = {
      consumer: new BigUint64Array(viewMemory(this.#consumerAddress, PAGE), 0, 1),
      producer: new BigUint64Array(producer, 0, 1),
      data: producer,
    };
  }

  /**
   * Hands over every committed record, or, when `visit` answers false, those up to this one. The view is valid only
   * until `visit` returns. A record whose visit throws counts as read.
   * @returns how many there were.
   */
  drain(visit: (record: DataView) => unknown): number {
    if (!this.#memory) throw new Error(`drain ring buffer ${this.#map.name}: it is closed`);
    const { consumer, producer, data } = this.#memory;
    let position = Atomics.load(consumer, 0);
    let records = 0;
    while (position < Atomics.load(producer, 0)) {
      const at = PAGE + (Number(position) & this.#mask);
      const word = Atomics.load(new Int32Array(data, at, 1), 0);
      if (word & BUSY) break;
      const length = word & ~(BUSY | DISCARDED);
      position += BigInt((length + HEADER + 7) & ~7);
      let more = true;
      try {
        if (!(word & DISCARDED)) {
          records++;
          more = visit(new DataView(data, at + HEADER, length)) !== false;
        }
      } finally {
        Atomics.store(consumer, 0, position);
      }
      if (!more) break;
    }
    return records;
  }

  /** Drains now and whenever the kernel wakes us, until `close`. Keeps the process alive. */
  start(visit: (record: DataView) => void): void {
    if (this.#poll) throw new Error(`start ring buffer ${this.#map.name}: it is started already`);
    const onReadable = (): void => {
      try {
        if (this.#memory) this.drain(visit);
      } catch (error) {
        // An exception in the poll callback would vanish, and one that nobody catches would end the process. The record
        // is missed, and Node says so on standard error.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    };
    this.#poll = koffi.node.poll(this.#map.fd, { readable: true }, onReadable);
    this.drain(visit);
  }

  close(): void {
    if (!this.#memory) return;
    this.#poll?.close();
    this.#poll = undefined;
    this.#memory = undefined;
    unmap(this.#producerAddress, this.#length);
    unmap(this.#consumerAddress, PAGE);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function mapped(map: BpfMap<unknown, unknown>, length: number, at: number, access: 'read' | 'write'): bigint {
  const address = mapShared(map.fd, length, at, access);
  if (address === undefined) {
    const code = errno();
    throw new BpfError(`map ring buffer ${map.name} into memory`, code);
  }
  return address;
}
