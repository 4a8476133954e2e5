/** Configuration files read from disk. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import type { ConfigFiles } from './files.ts';
import { maxBytes } from './limits.ts';

/** The files of this machine; bytes that are not UTF-8 (in old comments) become replacement characters. */
export const nodeFiles: ConfigFiles = {
  read: (path) => {
    // Asked before it is opened: opening a pipe waits for its other end.
    const { size } = plain(path);
    if (size > maxBytes) throw new Error(tooLarge);
    return readFileSync(path, 'utf8');
  },
  list: (directory) => {
    try {
      return readdirSync(directory, { withFileTypes: true }).map((entry) => ({
        name: entry.name,
        // Asked of those only whose name matches: a folder may hold many links.
        get directory() {
          return entry.isSymbolicLink() ? leadsToDirectory(`${directory}/${entry.name}`) : entry.isDirectory();
        },
      }));
    } catch {
      return undefined;
    }
  },
};

const tooLarge = `it is larger than ${maxBytes >> 20} MiB`;

function plain(path: string): { size: number } {
  const stat = statSync(path);
  if (stat.isDirectory()) throw new Error('it is a folder');
  if (!stat.isFile()) throw new Error('it is not a plain file');
  return stat;
}

/** A text from a file or a pipe, of which a person has named one: no more than the limit is read. @throws as `read`. */
export function readNamed(path: string): string {
  if (statSync(path).isFile()) return nodeFiles.read(path);
  const parts: Buffer[] = [];
  let size = 0;
  const descriptor = openSync(path, 'r');
  try {
    for (;;) {
      const part = Buffer.alloc(65_536);
      const count = readSync(descriptor, part);
      if (count === 0) break;
      size += count;
      if (size > maxBytes) throw new Error(tooLarge);
      parts.push(part.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
  return Buffer.concat(parts).toString('utf8');
}

/** A link that leads nowhere, or to itself, is no reason to give up its folder: whoever reads it will be told. */
function leadsToDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
