/**
 * Where this checkout is, and how to run one of its modules as a process of its own, be it from the sources (under
 * vitest or tsx) or from the build in dist/.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The checkout's root: the folder with package.json above this module. */
export const repository = findRoot(here);

/** The built command-line program. */
export const headraceProgram = path.join(repository, 'dist/appliance/cli/main.js');

/** Command that runs module `name` (no extension) of this folder. */
export function helperCommand(name: string): string[] {
  if (import.meta.url.endsWith('.ts'))
    return [
      process.execPath,
      '--import',
      path.join(repository, 'node_modules/tsx/dist/esm/index.mjs'),
      path.join(here, `${name}.ts`),
    ];
  return [process.execPath, path.join(here, `${name}.js`)];
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, 'package.json'))) return folder;
    if (folder === path.dirname(folder)) throw new Error(`find the checkout above ${start}: no package.json`);
  }
}
