/**
 * A BPF object file on its way into the kernel: open it, set its constants, give it maps that exist already, load it,
 * take its programs and maps. Programs and maps taken own descriptors of their own and outlive the object.
 */
import { readFileSync } from 'node:fs';
import type { MapDescriptor } from './codec.ts';
import { Btf } from './codegen/btf.ts';
import { ElfFile } from './codegen/elf.ts';
import { BpfError, VerifierError } from './errors.ts';
import * as libbpf from './libbpf.ts';
import { dupCloseOnExec, errno } from './libc.ts';
import { BpfMap } from './map.ts';
import { Program } from './program.ts';

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

  /** Sets `const volatile` globals. Only before `load`, which freezes them. */
  setConstants(values: Readonly<Record<string, number | bigint | boolean>>): void {
    if (this.#loaded) throw new Error('set constants: the object is loaded, its constants are frozen');
    const elf = new ElfFile(readFileSync(this.path));
    const section = elf.section('.BTF');
    const memory = libbpf.mapInitialValue(this.#map('.rodata'));
    if (!section || !memory) throw new Error(`set constants: ${this.path} has no .rodata`);
    const btf = new Btf(section);
    const variables = btf.variables('.rodata');
    for (const [name, value] of Object.entries(values)) {
      const variable = variables.find((candidate) => candidate.name === name);
      const symbol = elf.symbols.find((candidate) => candidate.name === name && candidate.section === '.rodata');
      if (!variable || !symbol) throw new Error(`set constant ${name}: ${this.path} has none of that name`);
      const size = btf.sizeOf(variable.type);
      const number = BigInt(value);
      if (number < 0n || number >= 1n << BigInt(size * 8))
        throw new RangeError(`set constant ${name}: ${value} does not fit into ${size} bytes`);
      for (let i = 0; i < size; i++)
        memory.setUint8(symbol.value + i, Number((number >> BigInt(8 * i)) & 0xffn));
    }
  }

  setMaxEntries(map: string, count: number): void {
    const result = libbpf.mapSetMaxEntries(this.#map(map), count);
    if (result < 0) throw new BpfError(`set size of map ${map} to ${count}`, result);
  }

  /** Has the object use an existing map instead of making its own. */
  reuse(map: { readonly name: string; readonly fd: number }): void {
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
    return new BpfMap(fd, descriptor);
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
