/**
 * How the lexer gets at files: a small interface, so that parsing stays free of input and output and tests can hold a
 * tree of files in a Map; and `include` patterns as glob(3) reads them (`*`, `?`, `[…]`; no match across a slash; a
 * leading dot only matches a dot; results sorted by byte value).
 */
import { compileGlob } from './glob.ts';

/** How many entries of folders one pattern may look at: one that walks over a whole machine is a mistake. */
const maxEntries = 100_000;

/** Access to configuration files. */
export interface ConfigFiles {
  /** The text of a file. @throws when it cannot be read, or is not a plain one; the message is shown to people. */
  read(path: string): string;
  /** The entries of a directory, or undefined when it is missing or not a directory. */
  list(directory: string): readonly { readonly name: string; readonly directory: boolean }[] | undefined;
}

/** Whether an include path is a pattern. */
export function isPattern(path: string): boolean {
  return /[?*[]/.test(path);
}

/**
 * The plain files that a pattern matches, sorted.
 * @returns why there is no answer when a folder that counts cannot be read, as glob(3) with GLOB_ERR.
 */
export function expandPattern(files: ConfigFiles, pattern: string): string[] | { readonly reason: string } {
  const segments = pattern.split('/');
  const firstPattern = segments.findIndex(isPattern);
  let places = [segments.slice(0, firstPattern).join('/') || (pattern.startsWith('/') ? '/' : '.')];
  let entries = 0;
  for (let depth = firstPattern; depth < segments.length; depth++) {
    const segment = segments[depth] ?? '';
    const last = depth === segments.length - 1;
    const matches = compileGlob(segment);
    const next: string[] = [];
    for (const place of places) {
      const listed = files.list(place);
      if (!listed) return { reason: `the folder ${place} cannot be read` };
      entries += listed.length + 1;
      if (entries > maxEntries) return { reason: `it looks at more than ${maxEntries} files` };
      for (const entry of listed) {
        if (!matches(entry.name) || (entry.name.startsWith('.') && !segment.startsWith('.'))) continue;
        if (entry.directory === last) continue;
        next.push(place === '/' ? `/${entry.name}` : `${place}/${entry.name}`);
      }
    }
    places = next;
  }
  return places.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The folder an include in `path` is relative to, as dirname(3) says. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}
