/**
 * Netlink attributes (type, length, value; padded to four bytes): a table that finds them in the receive buffer and is
 * used again for every message, and a writer that builds requests.
 *
 * The table holds offsets only. Values are read out of the buffer on demand, and whatever is kept must be copied: the
 * next datagram overwrites it. Integers are in host byte order unless a name says otherwise; addresses are bytes.
 */
import os from 'node:os';
import { NLA_F_NESTED, NLA_TYPE_MASK } from './constants.ts';

/** Byte order of this machine, as DataView wants it. */
export const littleEndian = os.endianness() === 'LE';

const MAX_TYPE = 127;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The attributes of one message or one nest. */
export class AttributeTable {
  readonly #offsets = new Int32Array(MAX_TYPE + 1);
  readonly #lengths = new Int32Array(MAX_TYPE + 1);
  readonly #generations = new Uint32Array(MAX_TYPE + 1);
  #generation = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  /** Indexes the attributes in [start, end). A malformed tail ends the walk; of repeated types the last counts. */
  parse(view: DataView, start: number, end: number): this {
    this.#view = view;
    this.#generation = (this.#generation + 1) >>> 0;
    let at = start;
    while (at + 4 <= end) {
      const length = view.getUint16(at, littleEndian);
      if (length < 4 || at + length > end) break;
      const type = view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK;
      if (type <= MAX_TYPE) {
        this.#offsets[type] = at + 4;
        this.#lengths[type] = length - 4;
        this.#generations[type] = this.#generation;
      }
      at += (length + 3) & ~3;
    }
    return this;
  }

  has(type: number): boolean {
    return this.#generations[type] === this.#generation;
  }

  /** Is there any of a higher type? */
  hasAbove(type: number): boolean {
    return this.#generations.subarray(type + 1).includes(this.#generation);
  }

  /** Where the value starts, or -1. */
  offset(type: number): number {
    return this.has(type) ? this.#offsets[type]! : -1;
  }

  length(type: number): number {
    return this.has(type) ? this.#lengths[type]! : 0;
  }

  u8(type: number): number | undefined {
    return this.length(type) >= 1 ? this.#view.getUint8(this.#offsets[type]!) : undefined;
  }

  u16(type: number): number | undefined {
    return this.length(type) >= 2 ? this.#view.getUint16(this.#offsets[type]!, littleEndian) : undefined;
  }

  /** Network byte order. */
  u16be(type: number): number | undefined {
    return this.length(type) >= 2 ? this.#view.getUint16(this.#offsets[type]!, false) : undefined;
  }

  u32(type: number): number | undefined {
    return this.length(type) >= 4 ? this.#view.getUint32(this.#offsets[type]!, littleEndian) : undefined;
  }

  /** Network byte order. */
  u32be(type: number): number | undefined {
    return this.length(type) >= 4 ? this.#view.getUint32(this.#offsets[type]!, false) : undefined;
  }

  s32(type: number): number | undefined {
    return this.length(type) >= 4 ? this.#view.getInt32(this.#offsets[type]!, littleEndian) : undefined;
  }

  u64(type: number): bigint | undefined {
    return this.length(type) >= 8 ? this.#view.getBigUint64(this.#offsets[type]!, littleEndian) : undefined;
  }

  /** A copy. */
  bytes(type: number): Uint8Array | undefined {
    if (!this.has(type)) return undefined;
    const at = this.#view.byteOffset + this.#offsets[type]!;
    return new Uint8Array(this.#view.buffer.slice(at, at + this.#lengths[type]!) as ArrayBuffer);
  }

  /** Up to the first NUL. */
  string(type: number): string | undefined {
    const bytes = this.bytes(type);
    if (!bytes) return undefined;
    const end = bytes.indexOf(0);
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** Visits the attributes of a nest in their order, repeated types too: how lists are told. */
  each(type: number, visit: (type: number, start: number, length: number) => void): void {
    if (!this.has(type)) return;
    const view = this.#view;
    const end = this.#offsets[type]! + this.#lengths[type]!;
    for (let at = this.#offsets[type]!; at + 4 <= end; ) {
      const length = view.getUint16(at, littleEndian);
      if (length < 4 || at + length > end) return;
      visit(view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK, at + 4, length - 4);
      at += (length + 3) & ~3;
    }
  }

  /** Indexes a nest into `into` (a fresh table by default); undefined when there is none. */
  nested(type: number, into: AttributeTable = new AttributeTable()): AttributeTable | undefined {
    if (!this.has(type)) return undefined;
    return into.parse(this.#view, this.#offsets[type]!, this.#offsets[type]! + this.#lengths[type]!);
  }
}

/** Builds the body of a request: a fixed header, then attributes. Grows as needed. */
export class AttributeWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes written, valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Zeroed space for a fixed structure of `size` bytes, filled in by `fill`. */
  header(size: number, fill?: (view: DataView, offset: number) => void): this {
    const at = this.#reserve(size);
    fill?.(this.#view, at);
    return this;
  }

  u8(type: number, value: number): this {
    this.#view.setUint8(this.#attribute(type, 1), value);
    return this;
  }

  u16(type: number, value: number): this {
    this.#view.setUint16(this.#attribute(type, 2), value, littleEndian);
    return this;
  }

  /** Network byte order. */
  u16be(type: number, value: number): this {
    this.#view.setUint16(this.#attribute(type, 2), value, false);
    return this;
  }

  u32(type: number, value: number): this {
    this.#view.setUint32(this.#attribute(type, 4), value, littleEndian);
    return this;
  }

  u64(type: number, value: bigint): this {
    this.#view.setBigUint64(this.#attribute(type, 8), value, littleEndian);
    return this;
  }

  bytes(type: number, value: Uint8Array): this {
    const at = this.#attribute(type, value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** NUL-terminated. */
  string(type: number, value: string): this {
    return this.bytes(type, encoder.encode(`${value}\0`));
  }

  nest(type: number, fill: (writer: this) => void): this {
    const at = this.#attribute(type | NLA_F_NESTED, 0);
    fill(this);
    this.#view.setUint16(at - 4, this.#length - at + 4, littleEndian);
    return this;
  }

  #attribute(type: number, length: number): number {
    const at = this.#reserve(4 + length);
    this.#view.setUint16(at, 4 + length, littleEndian);
    this.#view.setUint16(at + 2, type, littleEndian);
    return at + 4;
  }

  #reserve(size: number): number {
    const at = this.#length;
    const end = at + ((size + 3) & ~3);
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = end;
    return at;
  }
}
