/** Writes XDR (RFC 4506), as far as sFlow needs it: big-endian, in units of four bytes. */
export class XdrWriter {
  #buffer = Buffer.alloc(2048);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #room(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.alloc(2 * this.#length);
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    return at;
  }

  /** Wraps around at 2^32, as sFlow's counters do. */
  u32(value: number | bigint): this {
    const at = this.#room(4);
    this.#buffer.writeUInt32BE(typeof value === 'bigint' ? Number(value & 0xffffffffn) : value >>> 0, at);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#buffer.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, at);
    return this;
  }

  /** opaque[n]: the length is known to the reader. */
  fixed(bytes: Uint8Array): this {
    const at = this.#room((bytes.length + 3) & ~3);
    this.#buffer.fill(0, at, this.#length);
    this.#buffer.set(bytes, at);
    return this;
  }

  /** opaque<>: the length goes first. */
  opaque(bytes: Uint8Array): this {
    return this.u32(bytes.length).fixed(bytes);
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }
}
