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
        directory: entry.isSymbolicLink()
          ? (statSync(`${directory}/${entry.name}`, { throwIfNoEntry: false })?.isDirectory() ?? false)
          : entry.isDirectory(),
      }));
    } catch {
      return undefined;
    }
  },
};
