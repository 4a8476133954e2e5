/**
 * Where this checkout is, and how to run one of its modules as a process of its own.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The checkout's root: the folder with package.json above this module. */
export const repository = findRoot(here);

/** The built command-line program. */
export const headraceProgram = path.join(repository, 'dist/appliance/cli/main.js');

/**
 * Command that runs module `name` (no extension) of this folder as built: a process that compiles its own sources first
 * takes five times as long to start, and stories start hundreds.
 */
export function helperCommand(name: string): string[] {
  return builtCommand(`test/lab/library/${name}`);
}

/** Command that runs a module of the checkout as built, by its path without extension. */
export function builtCommand(module: string): string[] {
  return [process.execPath, path.join(repository, 'dist', `${module}.js`)];
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`find the checkout above ${start}: no package.json`);
  }
}
