/**
 * How the lexer gets at files: a small interface, so that parsing stays free of input and output and tests can hold a
 * tree of files in a Map; and `include` patterns as glob(3) reads them (`*`, `?`, `[…]`; no match across a slash; a
 * leading dot only matches a dot; results sorted by byte value).
 */

/** Access to configuration files. */
export interface ConfigFiles {
  /** The text of a file. @throws when it cannot be read; the message is shown to people. */
  read(path: string): string;
  /** The entries of a directory, or undefined when it is missing or not a directory. */
  list(directory: string): readonly { readonly name: string; readonly directory: boolean }[] | undefined;
}

/** A pattern of one path segment as a regular expression; unclosed brackets are plain text. */
function segmentPattern(segment: string): RegExp {
  let pattern = '';
  for (let i = 0; i < segment.length; i++) {
    const char = segment.charAt(i);
    if (char === '*') pattern += '[^]*';
    else if (char === '?') pattern += '[^]';
    else if (char === '[') {
      const negated = segment[i + 1] === '!' || segment[i + 1] === '^';
      const first = i + (negated ? 2 : 1);
      const close = segment.indexOf(']', first + 1);
      if (close < 0) pattern += '\\[';
      else {
        pattern += `[${negated ? '^' : ''}${segment.slice(first, close).replace(/[\\\]^[]/g, '\\$&')}]`;
        i = close;
      }
    } else pattern += char.replace(/[.+^${}()|\\\]/]/g, '\\$&');
  }
  try {
    return new RegExp(`^${pattern}$`);
  } catch {
    // A range out of order ("[z-a]") matches nothing, as with glob(3).
    return /[^\s\S]/;
  }
}

/** Whether an include path is a pattern. */
export function isPattern(path: string): boolean {
  return /[?*[]/.test(path);
}

/**
 * The plain files that a pattern matches, sorted.
 * @returns undefined when the directory in front of the pattern cannot be read.
 */
export function expandPattern(files: ConfigFiles, pattern: string): string[] | undefined {
  const segments = pattern.split('/');
  const firstPattern = segments.findIndex(isPattern);
  let places = [segments.slice(0, firstPattern).join('/') || (pattern.startsWith('/') ? '/' : '.')];
  if (files.list(places[0] ?? '.') === undefined) return undefined;
  for (let depth = firstPattern; depth < segments.length; depth++) {
    const segment = segments[depth] ?? '';
    const last = depth === segments.length - 1;
    const matcher = segmentPattern(segment);
    const next: string[] = [];
    for (const place of places) {
      for (const entry of files.list(place) ?? []) {
        if (entry.directory === last || !matcher.test(entry.name)) continue;
        if (entry.name.startsWith('.') && !segment.startsWith('.')) continue;
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
