/**
 * What a BPF object says of its maps: the anonymous structures in `.maps`, written with libbpf's `__uint` (a pointer to
 * an array whose length is the number) and `__type` (a pointer to the type).
 */
import type { Btf } from './btf.ts';

export interface MapDefinition {
  readonly name: string;
  /** enum bpf_map_type */
  readonly type: number;
  readonly keyType: number | undefined;
  readonly valueType: number | undefined;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export function mapDefinitions(btf: Btf): MapDefinition[] {
  return btf.variables('.maps').map(({ name, type }) => {
    const definition = btf.resolve(type);
    if (definition.kind !== 'struct') throw new Error(`read map ${name}: its definition is no structure`);
    const pointee = (field: string): number | undefined => {
      const member = definition.members.find((candidate) => candidate.name === field);
      const pointer = member && btf.resolve(member.type);
      return pointer?.kind === 'pointer' ? pointer.type : undefined;
    };
    const number = (field: string): number | undefined => {
      const id = pointee(field);
      const array = id === undefined ? undefined : btf.resolve(id);
      return array?.kind === 'array' ? array.length : undefined;
    };
    const keyType = pointee('key');
    const valueType = pointee('value');
    return {
      name,
      type: number('type') ?? 0,
      keyType,
      valueType,
      keySize: number('key_size') ?? (keyType === undefined ? 0 : btf.sizeOf(keyType)),
      valueSize: number('value_size') ?? (valueType === undefined ? 0 : btf.sizeOf(valueType)),
      maxEntries: number('max_entries') ?? 0,
      flags: number('map_flags') ?? 0,
    };
  });
}
