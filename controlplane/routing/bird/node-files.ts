/** Configuration files read from disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { ConfigFiles } from './files.ts';

/** The files of this machine; bytes that are not UTF-8 (in old comments) become replacement characters. */
export const nodeFiles: ConfigFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  list: (directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        directory: entry.isSymbolicLink() ? leadsToDirectory(`${directory}/${entry.name}`) : entry.isDirectory(),
      }));
    } catch {
      return undefined;
    }
  },
};

/** A link that leads nowhere, or to itself, is no reason to give up its folder: whoever reads it will be told. */
function leadsToDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
