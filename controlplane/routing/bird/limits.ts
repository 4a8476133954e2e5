/**
 * How much a configuration may ask of this process. BIRD has no such limits, and a sound file is far below them; a broken
 * or hostile one is to end in seconds with a message, not with the machine's memory.
 */

/** Text of all files together. A route server with a million prefixes in its sets has some 30 MB. */
export const maxBytes = 64 * 1024 * 1024;
/** Tokens of all files together; one takes some 100 bytes. */
export const maxTokens = 8_000_000;
/** Included files. */
export const maxFiles = 50_000;
/** A path, as the kernel takes it. */
export const maxPath = 4096;
/** More remarks help nobody; the rest is left out. */
export const maxDiagnostics = 200;

/** A text that stands in a message. */
export function clip(text: string, length = 30): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
