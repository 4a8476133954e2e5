/**
 * Writes the TypeScript of one object: an interface and a codec for every structure a map holds, a constant for every
 * named enum, a descriptor for every map, and a hash of all their layouts.
 */
import type { Btf, BtfType } from './btf.ts';
import { layoutHashOf } from './layout.ts';
import { type MapDefinition, mapDefinitions } from './map-definition.ts';

interface Expression {
  readonly type: string;
  readonly codec: string;
}

class Writer {
  readonly #btf: Btf;
  readonly #structs = new Map<string, string>();
  readonly usedCodecs = new Set<string>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  get structs(): string[] {
    return [...this.#structs.values()];
  }

  #use(codec: string): string {
    this.usedCodecs.add(codec);
    return codec;
  }

  bytes(length: number): Expression {
    return { type: 'Uint8Array', codec: `${this.#use('bytes')}(${length})` };
  }

  scalar(size: number): Expression {
    if (size === 8) return { type: 'bigint', codec: this.#use('u64') };
    if (size === 1 || size === 2 || size === 4) return { type: 'number', codec: this.#use(`u${size * 8}`) };
    return this.bytes(size);
  }

  expression(id: number): Expression {
    const type = this.#btf.resolve(id);
    switch (type.kind) {
      case 'int':
      case 'enum':
        return this.scalar(type.size);
      case 'array': {
        const element = this.#btf.resolve(type.type);
        if (element.kind === 'int' && element.name === 'char')
          return { type: 'string', codec: `${this.#use('text')}(${type.length})` };
        if (element.kind === 'int' && element.size === 1) return this.bytes(type.length);
        const inner = this.expression(type.type);
        return {
          type: `readonly ${inner.type}[]`,
          codec: `${this.#use('list')}<${inner.type}>(${type.length}, ${inner.codec})`,
        };
      }
      case 'struct':
        return this.#struct(type);
      default:
        return this.bytes(this.#btf.sizeOf(id));
    }
  }

  #struct(type: BtfType & { kind: 'struct' | 'union' }): Expression {
    if (!type.name) return this.bytes(type.size);
    const title = pascal(type.name);
    const codec = `${camel(type.name)}Codec`;
    if (!this.#structs.has(type.name)) {
      // Inner structures enter themselves here, before this one: their codecs are constants that it uses.
      const fields = type.members.map((member) => ({ ...member, ...this.expression(member.type) }));
      this.#structs.delete(type.name); // goes behind the structures it is made of, whose codecs it uses
      this.#structs.set(
        type.name,
        [
          `/** \`struct ${type.name}\`, ${type.size} bytes. */`,
          `export interface ${title} {`,
          ...fields.map((field) => `  readonly ${field.name}: ${field.type};`),
          '}',
          `export const ${codec}: StructCodec<${title}> = ${this.#use('struct')}<${title}>(${type.size}, {`,
          ...fields.map((field) => `  ${field.name}: [${field.offset}, ${field.codec}],`),
          '});',
        ].join('\n'),
      );
    }
    return { type: title, codec };
  }
}

/** The generated module's text. `source` names the object in its first line. */
export function typescriptOf(btf: Btf, source: string): string {
  const writer = new Writer(btf);
  const definitions = mapDefinitions(btf);
  const maps = definitions.map((map) => mapText(map, writer)).join('\n');
  const enums = btf.types.flatMap((type) => (type.kind === 'enum' && type.name ? [enumText(type)] : []));
  const imports = [
    ...(writer.structs.length > 0 ? ['type StructCodec'] : []),
    ...(definitions.length > 0 ? ['type MapDescriptor'] : []),
    ...[...writer.usedCodecs].sort(),
  ];
  return [
    `// Generated from the BTF of ${source}: change the C headers, not this file.`,
    ...(imports.length > 0 ? [`import { ${imports.join(', ')} } from '../codec.ts';`] : []),
    '',
    ...writer.structs.map((text) => `${text}\n`),
    ...enums.map((text) => `${text}\n`),
    'export const maps = {',
    `${maps}`,
    '} as const;',
    '',
    '/** Differs whenever a map or a structure in one is laid out in another way. */',
    `export const layoutHash = 0x${layoutHashOf(btf).toString(16)}n;`,
    '',
  ].join('\n');
}

function mapText(map: MapDefinition, writer: Writer): string {
  const key = map.keyType === undefined ? writer.scalar(map.keySize) : writer.expression(map.keyType);
  const value = map.valueType === undefined ? writer.scalar(map.valueSize) : writer.expression(map.valueType);
  return [
    `  ${camel(map.name)}: {`,
    `    name: '${map.name}',`,
    `    type: ${map.type},`,
    `    maxEntries: ${map.maxEntries},`,
    `    flags: ${map.flags},`,
    `    key: ${key.codec},`,
    `    value: ${value.codec},`,
    `  } satisfies MapDescriptor<${key.type}, ${value.type}> as MapDescriptor<${key.type}, ${value.type}>,`,
  ].join('\n');
}

function enumText(type: BtfType & { kind: 'enum' }): string {
  const prefix = commonPrefix(type.values.map(([name]) => name));
  const values = type.values.filter(([name]) => !name.endsWith('_COUNT'));
  const names = values.map(([name, value]) => [name.slice(prefix.length), value] as const);
  const dense = names.every(([, value], index) => value === index);
  return [
    `/** \`enum ${type.name}\` */`,
    `export const ${camel(type.name)} = {`,
    ...names.map(([name, value]) => `  ${name}: ${value},`),
    '} as const;',
    ...(dense
      ? [
          `/** Names of \`enum ${type.name}\` by value, in lower case. */`,
          `export const ${camel(type.name)}Names: readonly string[] = [${names.map(([name]) => `'${name.toLowerCase()}'`).join(', ')}];`,
        ]
      : []),
  ].join('\n');
}

/** Up to and including the last underscore that all names share. */
function commonPrefix(names: readonly string[]): string {
  const first = names[0] ?? '';
  let length = first.length;
  for (const name of names) {
    let i = 0;
    while (i < length && name[i] === first[i]) i++;
    length = i;
  }
  return first.slice(0, first.lastIndexOf('_', length - 1) + 1);
}

function camel(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function pascal(name: string): string {
  const text = camel(name);
  return text[0]!.toUpperCase() + text.slice(1);
}
