/**
 * BTF, the type information of a BPF object (kernel doc: bpf/btf.rst), as data.
 *
 * Types are numbered from 1; type 0 is void. `Btf.resolve` looks through typedefs and qualifiers, which do not change
 * a layout.
 */
import { cString } from './elf.ts';

export interface Member {
  readonly name: string;
  readonly type: number;
  /** From the start of the structure, in bytes. */
  readonly offset: number;
}

export type BtfType =
  | { readonly kind: 'void' }
  | { readonly kind: 'int'; readonly name: string; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'pointer' | 'qualifier'; readonly type: number }
  | { readonly kind: 'typedef' | 'variable'; readonly name: string; readonly type: number }
  | { readonly kind: 'array'; readonly type: number; readonly length: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly Member[];
    }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly values: readonly (readonly [name: string, value: number])[];
    }
  | { readonly kind: 'section'; readonly name: string; readonly variables: readonly number[] }
  | { readonly kind: 'other'; readonly name: string };

/** The types of one object. */
export class Btf {
  readonly types: readonly BtfType[];

  /** @throws Error when the bytes are not BTF of version 1. */
  constructor(view: DataView) {
    if (view.getUint16(0, true) !== 0xeb9f || view.getUint8(2) !== 1) throw new Error('parse BTF: not BTF version 1');
    const header = view.getUint32(4, true);
    const typesAt = header + view.getUint32(8, true);
    const typesEnd = typesAt + view.getUint32(12, true);
    const stringsAt = header + view.getUint32(16, true);
    const u32 = (at: number) => view.getUint32(at, true);
    const text = (offset: number) => cString(view, stringsAt + offset);

    const types: BtfType[] = [{ kind: 'void' }];
    let at = typesAt;
    while (at < typesEnd) {
      const name = text(u32(at));
      const info = u32(at + 4);
      const word = u32(at + 8);
      const length = info & 0xffff;
      const kind = (info >>> 24) & 0x1f;
      at += 12;
      switch (kind) {
        case 1:
          types.push({ kind: 'int', name, size: word, signed: ((u32(at) >>> 24) & 1) === 1 });
          at += 4;
          break;
        case 2:
          types.push({ kind: 'pointer', type: word });
          break;
        case 3:
          types.push({ kind: 'array', type: u32(at), length: u32(at + 8) });
          at += 12;
          break;
        case 4:
        case 5: {
          const bitfields = info >>> 31 === 1;
          const members: Member[] = [];
          for (let i = 0; i < length; i++, at += 12) {
            const bits = bitfields ? u32(at + 8) & 0xffffff : u32(at + 8);
            members.push({ name: text(u32(at)), type: u32(at + 4), offset: bits >>> 3 });
          }
          types.push({ kind: kind === 4 ? 'struct' : 'union', name, size: word, members });
          break;
        }
        case 6:
        case 19: {
          const step = kind === 6 ? 8 : 12;
          const values: [string, number][] = [];
          for (let i = 0; i < length; i++, at += step) {
            const high = kind === 19 ? u32(at + 8) * 2 ** 32 : 0;
            values.push([text(u32(at)), u32(at + 4) + high]);
          }
          types.push({ kind: 'enum', name, size: word, values });
          break;
        }
        case 8:
          types.push({ kind: 'typedef', name, type: word });
          break;
        case 9:
        case 10:
        case 11:
        case 18:
          types.push({ kind: 'qualifier', type: word });
          break;
        case 13:
          types.push({ kind: 'other', name });
          at += length * 8;
          break;
        case 14:
          types.push({ kind: 'variable', name, type: word });
          at += 4;
          break;
        case 15: {
          const variables: number[] = [];
          for (let i = 0; i < length; i++, at += 12) variables.push(u32(at));
          types.push({ kind: 'section', name, variables });
          break;
        }
        case 17:
          types.push({ kind: 'other', name });
          at += 4;
          break;
        case 7:
        case 12:
        case 16:
          types.push({ kind: 'other', name });
          break;
        default:
          throw new Error(`parse BTF: unknown kind ${kind}`);
      }
    }
    this.types = types;
  }

  get(id: number): BtfType {
    const type = this.types[id];
    if (!type) throw new Error(`parse BTF: no type ${id}`);
    return type;
  }

  /** The type behind typedefs, `const` and `volatile`. */
  resolve(id: number): BtfType {
    const type = this.get(id);
    return type.kind === 'typedef' || type.kind === 'qualifier' ? this.resolve(type.type) : type;
  }

  /** In bytes. */
  sizeOf(id: number): number {
    const type = this.resolve(id);
    switch (type.kind) {
      case 'int':
      case 'struct':
      case 'union':
      case 'enum':
        return type.size;
      case 'pointer':
        return 8;
      case 'array':
        return type.length * this.sizeOf(type.type);
      default:
        throw new Error(`parse BTF: ${type.kind} has no size`);
    }
  }

  /** Variables of a section such as `.maps` or `.rodata`. */
  variables(section: string): { readonly name: string; readonly type: number }[] {
    const found = this.types.find((type) => type.kind === 'section' && type.name === section);
    if (found?.kind !== 'section') return [];
    return found.variables.map((id) => {
      const variable = this.get(id);
      if (variable.kind !== 'variable') throw new Error(`parse BTF: type ${id} of ${section} is no variable`);
      return { name: variable.name, type: variable.type };
    });
  }
}
