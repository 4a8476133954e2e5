/** Generates one TypeScript module for each BPF object: `main.ts OBJECTS_DIRECTORY OUTPUT_DIRECTORY`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Btf } from './btf.ts';
import { ElfFile } from './elf.ts';
import { typescriptOf } from './typescript.ts';

const [objects, output] = process.argv.slice(2);
if (!objects || !output) throw new Error('usage: main.ts OBJECTS_DIRECTORY OUTPUT_DIRECTORY');
for (const file of readdirSync(objects).filter((name) => name.endsWith('.bpf.o'))) {
  const section = new ElfFile(readFileSync(path.join(objects, file))).section('.BTF');
  if (!section) throw new Error(`read ${file}: it has no BTF; compile with -g`);
  writeFileSync(path.join(output, file.replace('.bpf.o', '.ts')), typescriptOf(new Btf(section), file));
}
