/**
 * A number that stands for the layout of everything an object shares through maps. It is the same whoever computes it:
 * the generator, which writes it into the bindings, and a daemon that compares its object with what is pinned.
 *
 * Only what changes the meaning of bytes goes in: names, sizes and offsets; not the order of maps in the file, not the
 * numbering of types.
 */
import { createHash } from 'node:crypto';
import type { Btf } from './btf.ts';
import { mapDefinitions } from './map-definition.ts';

type Layout = string | number | readonly Layout[];

/** 64 bits of SHA-256 over all maps and the structures in them. */
export function layoutHashOf(btf: Btf): bigint {
  const maps = mapDefinitions(btf)
    .map(
      (map): Layout => [
        ...[map.name, map.type, map.keySize, map.valueSize, map.maxEntries, map.flags],
        layoutOf(btf, map.keyType),
        layoutOf(btf, map.valueType),
      ],
    )
    .sort();
  return createHash('sha256').update(JSON.stringify(maps)).digest().readBigUInt64BE(0);
}

function layoutOf(btf: Btf, id: number | undefined): Layout {
  if (id === undefined) return 'untyped';
  const type = btf.resolve(id);
  switch (type.kind) {
    case 'int':
      return [type.kind, type.size, type.signed ? 'signed' : 'unsigned'];
    case 'enum':
      return [type.kind, type.size];
    case 'array':
      return [type.kind, type.length, layoutOf(btf, type.type)];
    case 'struct':
    case 'union':
      return [type.kind, type.size, ...type.members.map((m): Layout => [m.name, m.offset, layoutOf(btf, m.type)])];
    default:
      return type.kind;
  }
}
