/**
 * The little of ELF that a BPF object needs: sections by name, and where a global variable lies in its section.
 *
 * BTF itself does not say where a variable lies: clang leaves the offsets zero for the loader to fill in from the
 * symbol table, which is what happens here too. 64-bit little-endian objects only, which is what clang makes for the
 * machines Headrace runs on.
 */
export interface ElfSymbol {
  readonly name: string;
  /** Offset in its section, in bytes. */
  readonly value: number;
  readonly section: string;
}

/** A parsed ELF object. Holds views into the file's bytes, copies nothing. */
export class ElfFile {
  readonly #sections = new Map<string, DataView>();
  readonly symbols: readonly ElfSymbol[];

  /** @throws Error when the bytes are not a 64-bit little-endian ELF file. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (view.getUint32(0) !== 0x7f454c46 || view.getUint8(4) !== 2 || view.getUint8(5) !== 1)
      throw new Error('parse ELF: not a 64-bit little-endian ELF file');
    const headerOffset = Number(view.getBigUint64(0x28, true));
    const headerSize = view.getUint16(0x3a, true);
    const count = view.getUint16(0x3c, true);
    const raw = Array.from({ length: count }, (_, i) => {
      const at = headerOffset + i * headerSize;
      const type = view.getUint32(at + 4, true);
      const offset = Number(view.getBigUint64(at + 24, true));
      const size = Number(view.getBigUint64(at + 32, true));
      const data = new DataView(bytes.buffer, bytes.byteOffset + (type === 8 ? 0 : offset), type === 8 ? 0 : size);
      return { name: view.getUint32(at, true), type, link: view.getUint32(at + 40, true), data };
    });
    const names = raw[view.getUint16(0x3e, true)]!.data;
    const titled = raw.map((section) => ({ ...section, title: cString(names, section.name) }));
    for (const section of titled) this.#sections.set(section.title, section.data);

    const symbols: ElfSymbol[] = [];
    for (const table of titled.filter((section) => section.type === 2)) {
      const strings = titled[table.link]!.data;
      for (let at = 0; at + 24 <= table.data.byteLength; at += 24) {
        const section = titled[table.data.getUint16(at + 6, true)];
        const name = cString(strings, table.data.getUint32(at, true));
        if (section && name)
          symbols.push({ name, value: Number(table.data.getBigUint64(at + 8, true)), section: section.title });
      }
    }
    this.symbols = symbols;
  }

  section(name: string): DataView | undefined {
    return this.#sections.get(name);
  }
}

/** The NUL-terminated string at `offset`. */
export function cString(view: DataView, offset: number): string {
  let end = offset;
  while (end < view.byteLength && view.getUint8(end) !== 0) end++;
  return Buffer.from(view.buffer, view.byteOffset + offset, end - offset).toString('utf8');
}
