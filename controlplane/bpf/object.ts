/**
 * A BPF object file on its way into the kernel: open it, set its constants, give it maps that exist already, load it,
 * take its programs and maps. Programs and maps taken own descriptors of their own and outlive the object.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { hasCapability } from './capabilities.ts';
import type { MapDescriptor } from './codec.ts';
import { Btf } from './codegen/btf.ts';
import { ElfFile } from './codegen/elf.ts';
import { layoutHashOf } from './codegen/layout.ts';
import { BpfError, LayoutError, VerifierError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { close, dupCloseOnExec, errno } from './libc.ts';
import { BpfMap, readMapInfo } from './map.ts';
import { Program } from './program.ts';

/** Set by the kernel itself on some map types (devmaps): BPF_F_RDONLY_PROG. */
const KERNEL_FLAGS = 1 << 7;

const BPF_MAP_TYPE_RINGBUF = 27;
/** Bytes: a power of two, and whole pages on every machine. */
const SMALLEST_RING = 65_536;
/** Bytes of a value: what is more is worth saving, and what is left then. */
const LARGE_VALUE = 1 << 20;
const SMALLEST_VALUE = 8;

/**
 * Kernels before 6.8 verify global functions that nobody calls; and without CAP_PERFMON all do, where a call could be
 * speculated.
 */
function looksThroughUncalled(): boolean {
  const [major = 0, minor = 0] = os.release().split('.').map(Number);
  return major < 6 || (major === 6 && minor < 8) || !hasCapability('CAP_PERFMON');
}

const ENOENT = 2;

export class BpfObject implements Disposable {
  readonly path: string;
  #handle: libbpf.Handle | undefined;
  #loaded = false;

  private constructor(path: string, handle: libbpf.Handle) {
    this.path = path;
    this.#handle = handle;
  }

  /** Reads the file; the kernel sees nothing yet. */
  static open(path: string): BpfObject {
    return libbpf.withLog((log) => {
      const handle = libbpf.objectOpen(path, null);
      if (handle === null) {
        const code = errno();
        if (code === ENOENT) throw new BpfError(`open BPF object ${path}`, code, { hint: 'build it: npm run build' });
        throw new VerifierError(`open BPF object ${path}`, code, log());
      }
      return new BpfObject(path, handle);
    });
  }

  get #object(): libbpf.Handle {
    if (this.#handle === undefined) throw new Error(`use BPF object ${this.path}: it is closed`);
    return this.#handle;
  }

  #map(name: string): libbpf.Handle {
    const map = libbpf.findMap(this.#object, name);
    if (map === null) throw new Error(`find map ${name}: ${this.path} has none`);
    return map;
  }

  /** Layout of the maps in this file, to be compared with the `layoutHash` of the bindings one was built with. */
  layoutHash(): bigint {
    return layoutHashOf(this.#types().btf);
  }

  #types(): { readonly elf: ElfFile; readonly btf: Btf } {
    const elf = new ElfFile(readFileSync(this.path));
    const section = elf.section('.BTF');
    if (!section) throw new Error(`read types of ${this.path}: it has no BTF`);
    return { elf, btf: new Btf(section) };
  }

  /** Sets `const volatile` globals. Only before `load`, which freezes them. */
  setConstants(values: Readonly<Record<string, number | bigint | boolean>>): void {
    if (this.#loaded) throw new Error('set constants: the object is loaded, its constants are frozen');
    const { elf, btf } = this.#types();
    const memory = libbpf.mapInitialValue(this.#map('.rodata'));
    if (!memory) throw new Error(`set constants: ${this.path} has no .rodata`);
    const variables = btf.variables('.rodata');
    for (const [name, value] of Object.entries(values)) {
      const variable = variables.find((candidate) => candidate.name === name);
      const symbol = elf.symbols.find((candidate) => candidate.name === name && candidate.section === '.rodata');
      if (!variable || !symbol) throw new Error(`set constant ${name}: ${this.path} has none of that name`);
      const size = btf.sizeOf(variable.type);
      const number = BigInt(value);
      if (number < 0n || number >= 1n << BigInt(size * 8))
        throw new RangeError(`set constant ${name}: ${value} does not fit into ${size} bytes`);
      for (let i = 0; i < size; i++) memory.setUint8(symbol.value + i, Number((number >> BigInt(8 * i)) & 0xffn));
    }
  }

  setMaxEntries(map: string, count: number): void {
    const result = libbpf.mapSetMaxEntries(this.#map(map), count);
    if (result < 0) throw new BpfError(`set size of map ${map} to ${count}`, result);
  }

  /**
   * Makes the map as small as can be, because nothing that runs refers to it. It cannot be left out: kernels before 6.8
   * look through global functions that are never called, too, and want the maps those name.
   */
  shrinkMap(name: string): void {
    const ring = libbpf.mapType(this.#map(name)) === BPF_MAP_TYPE_RINGBUF;
    this.setMaxEntries(name, ring ? SMALLEST_RING : 1);
    // A map that is one large value (tables of many records) has to stay as large where the kernel looks through who
    // would read it.
    if (libbpf.mapValueSize(this.#map(name)) <= LARGE_VALUE || looksThroughUncalled()) return;
    const result = libbpf.mapSetValueSize(this.#map(name), SMALLEST_VALUE);
    if (result < 0) throw new BpfError(`set size of the value of map ${name} to ${SMALLEST_VALUE}`, result);
  }

  /** Names of the object's maps, those of its sections (`.rodata`, …) left out. */
  mapNames(): string[] {
    const names: string[] = [];
    for (let map = libbpf.nextMap(this.#object, null); map !== null; map = libbpf.nextMap(this.#object, map))
      names.push(libbpf.mapName(map));
    return names.filter((name) => !name.includes('.'));
  }

  /**
   * Has the object use the map pinned at `path` instead of making its own.
   * @throws LayoutError when its sizes are not those of this object; BpfError with ENOENT when nothing is pinned there.
   */
  reusePinned(name: string, path: string): void {
    const fd = libbpf.getPinned(path);
    if (fd < 0) throw new BpfError(`open pinned map ${path}`, fd);
    try {
      this.reuse({ name, fd });
    } finally {
      close(fd);
    }
  }

  /** Has the object use an existing map instead of making its own; the descriptor stays the caller's. */
  reuse(map: { readonly name: string; readonly fd: number }): void {
    const wanted = this.#map(map.name);
    const found = readMapInfo(map.fd, map.name);
    const differences = [
      ['type', libbpf.mapType(wanted), found.type],
      ['key size', libbpf.mapKeySize(wanted), found.keySize],
      ['value size', libbpf.mapValueSize(wanted), found.valueSize],
      ['max entries', libbpf.mapMaxEntries(wanted), found.maxEntries],
      ['flags', libbpf.mapFlags(wanted) & ~KERNEL_FLAGS, found.flags & ~KERNEL_FLAGS],
    ].filter(([, want, have]) => want !== have);
    if (differences.length > 0)
      throw new LayoutError(
        `reuse map ${map.name}: ${differences.map(([what, want, have]) => `${what} is ${have}, not ${want}`).join(', ')}`,
      );
    const result = libbpf.mapReuseFd(this.#map(map.name), map.fd);
    if (result < 0) throw new BpfError(`reuse map ${map.name}`, result);
  }

  /** Creates the maps and loads the programs. @throws VerifierError with the verifier's log. */
  load(): void {
    libbpf.withLog((log) => {
      const result = libbpf.objectLoad(this.#object);
      if (result < 0) throw new VerifierError(`load BPF object ${this.path}`, result, log());
    });
    this.#loaded = true;
  }

  program(name: string): Program {
    const program = libbpf.findProgram(this.#object, name);
    if (program === null) throw new Error(`find program ${name}: ${this.path} has none`);
    return new Program(duplicate(libbpf.programFd(program), `program ${name}`), name);
  }

  map<K, V>(descriptor: MapDescriptor<K, V>): BpfMap<K, V> {
    const fd = duplicate(libbpf.mapFd(this.#map(descriptor.name)), `map ${descriptor.name}`);
    return BpfMap.checked(fd, descriptor);
  }

  close(): void {
    if (this.#handle === undefined) return;
    libbpf.objectClose(this.#handle);
    this.#handle = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function duplicate(fd: number, what: string): number {
  if (fd < 0) throw new BpfError(`take ${what}: the object is not loaded`, fd);
  const own = dupCloseOnExec(fd);
  if (own < 0) {
    const code = errno();
    throw new BpfError(`duplicate descriptor of ${what}`, code);
  }
  return own;
}
