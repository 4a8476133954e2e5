/**
 * How a C value lies in memory, and back. The generated bindings are made of these few pieces.
 *
 * Integers are little-endian, which is the byte order of every machine Headrace runs on; what is in network byte order
 * on the wire stays so, because no codec swaps anything.
 */
export interface Codec<T> {
  /** In bytes. */
  readonly size: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

/** A map as its object defines it. */
export interface MapDescriptor<K, V> {
  readonly name: string;
  /** enum bpf_map_type */
  readonly type: number;
  readonly maxEntries: number;
  /** BPF_F_… */
  readonly flags: number;
  readonly key: Codec<K>;
  readonly value: Codec<V>;
}

export const u8: Codec<number> = {
  size: 1,
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, value),
};

export const u16: Codec<number> = {
  size: 2,
  read: (view, offset) => view.getUint16(offset, true),
  write: (view, offset, value) => view.setUint16(offset, value, true),
};

export const u32: Codec<number> = {
  size: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value) => view.setUint32(offset, value, true),
};

export const u64: Codec<bigint> = {
  size: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => view.setBigUint64(offset, value, true),
};

/** An array of bytes: addresses and the like. Reading copies. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    size: length,
    read: (view, offset) =>
      new Uint8Array(view.buffer.slice(view.byteOffset + offset, view.byteOffset + offset + length)),
    write: (view, offset, value) => {
      if (value.length !== length) throw new RangeError(`encode bytes: ${value.length} bytes for ${length}`);
      new Uint8Array(view.buffer, view.byteOffset + offset, length).set(value);
    },
  };
}

/** A NUL-padded string; one that fills the array has no NUL. */
export function text(length: number): Codec<string> {
  return {
    size: length,
    read: (view, offset) => {
      const raw = Buffer.from(view.buffer, view.byteOffset + offset, length);
      const end = raw.indexOf(0);
      return raw.toString('utf8', 0, end === -1 ? length : end);
    },
    write: (view, offset, value) => {
      const raw = Buffer.from(value, 'utf8');
      if (raw.length > length) throw new RangeError(`encode "${value}": longer than ${length} bytes`);
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      target.fill(0);
      target.set(raw);
    },
  };
}

/** A fixed-length array. */
export function list<T>(length: number, element: Codec<T>): Codec<readonly T[]> {
  return {
    size: length * element.size,
    read: (view, offset) => Array.from({ length }, (_, i) => element.read(view, offset + i * element.size)),
    write: (view, offset, value) => {
      if (value.length !== length) throw new RangeError(`encode array: ${value.length} elements for ${length}`);
      value.forEach((item, i) => {
        element.write(view, offset + i * element.size, item);
      });
    },
  };
}

/** A structure's codec also says where its fields lie, for those who read only one of a large structure. */
export interface StructCodec<T> extends Codec<T> {
  /** The bytes of one field, of the structure that begins at `offset`. */
  field(view: DataView, name: keyof T, offset?: number): DataView;
}

/** A structure: each field's offset in bytes and its codec. Padding is written as zero. */
export function struct<T>(
  size: number,
  fields: { readonly [F in keyof T]: readonly [number, Codec<T[F]>] },
): StructCodec<T> {
  const entries = Object.entries(fields) as [string, readonly [number, Codec<unknown>]][];
  return {
    size,
    field: (view, name, offset = 0) => {
      const [at, codec] = fields[name];
      return new DataView(view.buffer, view.byteOffset + offset + at, codec.size);
    },
    read: (view, offset) => {
      const value: Record<string, unknown> = {};
      for (const [name, [at, codec]] of entries) value[name] = codec.read(view, offset + at);
      return value as T;
    },
    write: (view, offset, value) => {
      new Uint8Array(view.buffer, view.byteOffset + offset, size).fill(0);
      for (const [name, [at, codec]] of entries)
        codec.write(view, offset + at, (value as Record<string, unknown>)[name]);
    },
  };
}
