import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Btf } from '../../../../controlplane/bpf/codegen/btf.ts';
import { ElfFile } from '../../../../controlplane/bpf/codegen/elf.ts';
import { mapDefinitions } from '../../../../controlplane/bpf/codegen/map-definition.ts';
import { typescriptOf } from '../../../../controlplane/bpf/codegen/typescript.ts';
import { layoutHash } from '../../../../controlplane/bpf/generated/headrace.ts';

const objectPath = 'build/test/bpf-library.bpf.o';
const elf = new ElfFile(readFileSync(objectPath));
const btf = new Btf(elf.section('.BTF')!);

describe('Btf', () => {
  it('has the types bpftool has, in its numbering', () => {
    const theirs = JSON.parse(execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', objectPath], { encoding: 'utf8' }));
    expect(btf.types.length - 1).toBe(theirs.types.length);
    for (const type of theirs.types) {
      const ours = btf.get(type.id);
      if (type.kind === 'STRUCT')
        expect(ours).toMatchObject({
          kind: 'struct',
          size: type.size,
          members: type.members.map((member: { name: string; type_id: number; bits_offset: number }) => ({
            name: member.name === '(anon)' ? '' : member.name,
            type: member.type_id,
            offset: member.bits_offset / 8,
          })),
        });
      if (type.kind === 'INT') expect(ours).toMatchObject({ kind: 'int', name: type.name, size: type.size });
      if (type.kind === 'ENUM')
        expect(ours).toMatchObject({
          kind: 'enum',
          values: type.values.map(({ name, val }: { name: string; val: number }) => [name, val]),
        });
    }
  });

  it('refuses other bytes', () => {
    expect(() => new Btf(new DataView(new ArrayBuffer(24)))).toThrow('not BTF');
    expect(() => new ElfFile(new Uint8Array(64))).toThrow('not a 64-bit little-endian ELF file');
  });
});

describe('mapDefinitions()', () => {
  it('reads type, sizes, flags and entries from .maps', () => {
    const plain = mapDefinitions(btf).map(({ keyType, valueType, ...rest }) => rest);
    expect(plain.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: 'events', type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 },
      { name: 'pairs', type: 1, keySize: 4, valueSize: 32, maxEntries: 4096, flags: 0 },
      { name: 'runs', type: 6, keySize: 4, valueSize: 8, maxEntries: 16, flags: 0 },
      { name: 'shared', type: 2, keySize: 4, valueSize: 8, maxEntries: 1024, flags: 1024 },
    ]);
  });
});

describe('typescriptOf()', () => {
  const text = typescriptOf(btf, 'bpf-library.bpf.o');

  it('writes a codec with the offsets of the C structure', () => {
    expect(text).toContain('second: [4, u32]');
    expect(text).toContain('list: [8, list<number>(3, u16)]');
    expect(text).toContain('name: [14, text(8)]');
    expect(text).toContain('big: [24, u64]');
  });

  it('writes enums without prefix and without their count', () => {
    expect(text).toContain("colorNames: readonly string[] = ['red', 'dark_green']");
    expect(text).not.toContain('COUNT');
  });

  it('hashes the layout the same way every time, and another object to another hash', () => {
    expect(typescriptOf(btf, 'bpf-library.bpf.o')).toBe(text);
    expect(text).not.toContain(layoutHash.toString(16));
  });
});
